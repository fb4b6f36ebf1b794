using System.Collections.Immutable;

namespace OrleansPolicy.Client;

/// <summary>The control plane answered, and the answer is no.</summary>
public sealed class PolicyApiException : Exception
{
    /// <summary>With what the problem details said.</summary>
    public PolicyApiException(int status, string code, string message, ImmutableArray<Problem> problems = default, TimeSpan? retryAfter = null)
        : base(message)
    {
        Status = status;
        Code = code;
        Problems = problems.IsDefault ? [] : problems;
        RetryAfter = retryAfter;
    }

    /// <summary>Required by convention.</summary>
    public PolicyApiException()
    {
    }

    /// <summary>Required by convention.</summary>
    public PolicyApiException(string message)
        : base(message)
    {
    }

    /// <summary>Required by convention.</summary>
    public PolicyApiException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The HTTP status.</summary>
    public int Status { get; }

    /// <summary>Stable and dotted: branch on this. <c>http.STATUS</c> where the answer named none.</summary>
    public string Code { get; } = "http.0";

    /// <summary>Everything that was found, where several things were.</summary>
    public ImmutableArray<Problem> Problems { get; } = [];

    /// <summary>When to come back: from zero to seven days, whatever the answer said. Null: it said nothing.</summary>
    public TimeSpan? RetryAfter { get; }
}
