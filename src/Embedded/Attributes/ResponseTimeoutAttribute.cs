using System.Globalization;

namespace Orleans;

/// <summary>How long a caller of this method waits before <see cref="TimeoutException"/>, as a <see cref="TimeSpan"/> text.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ResponseTimeoutAttribute(string timeout) : Attribute
{
    public TimeSpan? Timeout { get; init; } = TimeSpan.Parse(timeout, CultureInfo.InvariantCulture);
}
