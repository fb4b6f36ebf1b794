namespace OrleansPolicy.Client;

/// <summary>
/// No answer arrived: no connection, a broken one, or none in time. Whether a request that was sent took effect is unknown;
/// asking again under the same idempotency key does it once.
/// </summary>
public sealed class PolicyUnreachableException : Exception
{
    /// <summary>With the cause.</summary>
    public PolicyUnreachableException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Required by convention.</summary>
    public PolicyUnreachableException()
    {
    }

    /// <summary>Required by convention.</summary>
    public PolicyUnreachableException(string message)
        : base(message)
    {
    }
}
