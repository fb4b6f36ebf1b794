using System.Collections.Immutable;

namespace OrleansPolicy.Silo.Prometheus;

/// <summary>The Prometheus server whose numbers rollouts may be judged by. Only who configures the process names it, and what it is asked.</summary>
public sealed record PrometheusSettings
{
    /// <summary>Its address, with the path that stands before <c>/api/v1</c> where there is one.</summary>
    public required Uri Url { get; init; }

    /// <summary>The queries that criteria may name, by name.</summary>
    public ImmutableSortedDictionary<string, QueryText> Queries { get; init; } = ImmutableSortedDictionary<string, QueryText>.Empty;

    /// <summary>The full path of a file with the token to show, read each time so that it may be renewed; null: none is shown.</summary>
    public string? BearerTokenFile { get; init; }

    /// <summary>The user to show instead, with the password in <see cref="PasswordFile"/>; null: none.</summary>
    public string? Username { get; init; }

    /// <summary>The full path of the file with the user's password.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>How long it may take to answer, to the answer's last byte. Default: 5 s.</summary>
    public TimeSpan AnswerWithin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a query that nobody reads is asked on. Default: 30 s; looks at a rollout are seconds apart.</summary>
    public TimeSpan KeptFor { get; init; } = TimeSpan.FromSeconds(30);
}
