namespace OrleansPolicy.Silo.Hosting;

/// <summary>The process was told rightly and still could not start.</summary>
public sealed class StartFailureException : Exception
{
    /// <summary>With a stable code.</summary>
    public StartFailureException(string code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>Required by convention.</summary>
    public StartFailureException()
    {
    }

    /// <summary>Required by convention.</summary>
    public StartFailureException(string message)
        : base(message)
    {
    }

    /// <summary>Required by convention.</summary>
    public StartFailureException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Dotted and stable.</summary>
    public string Code { get; } = "start.failed";
}
