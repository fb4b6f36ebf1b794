using System.Security.Authentication;

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

    /// <summary>A connection to an origin that failed. TLS says why (an expired certificate, say) in what caused the failure alone.</summary>
    internal static PolicyUnreachableException Of(string origin, Exception exception) =>
        new($"{origin} cannot be reached: {(exception.InnerException as AuthenticationException ?? exception).Message}", exception);

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
