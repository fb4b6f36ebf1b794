namespace OrleansPolicy.Demo;

/// <summary>Something did not go as stated.</summary>
internal sealed class DemoFailureException : Exception
{
    public DemoFailureException(string message)
        : base(message)
    {
    }

    public DemoFailureException()
    {
    }

    public DemoFailureException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>States something that must hold.</summary>
    public static void Unless(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new DemoFailureException(otherwise);
        }
    }
}
