using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Client.Cluster;

/// <summary>Says who asks, for calls that change something.</summary>
public static class ClusterCaller
{
    /// <summary>A caller through a grain. The audit names the subject, and another person is one with another subject.</summary>
    /// <param name="subject">The person or program on whose behalf the application asks.</param>
    /// <param name="operationId">
    /// At most 128 characters, unique for the subject within 24 h: the same call under the same id is done once. Null: asking twice does it
    /// twice.
    /// </param>
    public static Caller Of(string subject, string? operationId = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(subject);
        return new Caller(new Actor(subject, "grain"), operationId);
    }
}
