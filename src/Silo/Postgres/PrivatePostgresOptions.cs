using System.Collections.Immutable;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>How to run the process's own PostgreSQL.</summary>
public sealed record PrivatePostgresOptions
{
    /// <summary>The data folder of the process; the server's files go to <c>postgres</c> inside it.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Where <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c> are; null: found by themselves (<c>/usr/lib/postgresql/*/bin</c>, then PATH).</summary>
    public string? BinFolder { get; init; }

    /// <summary>Where the server's files go when the data folder's parents bar the user <c>postgres</c>. Default <c>/var/lib/orleans-policy</c>.</summary>
    public string SharedFolder { get; init; } = "/var/lib/orleans-policy";

    /// <summary>How long starting, recovery after a crash included, may take. Default 60 s.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Further server settings by name, such as <c>shared_preload_libraries</c>; they take effect when the server starts.</summary>
    public ImmutableSortedDictionary<string, string> Settings { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
