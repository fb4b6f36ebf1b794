namespace OrleansPolicy.Silo.Postgres;

/// <summary>Which database the process uses.</summary>
public sealed record PolicyDatabaseOptions
{
    /// <summary>An Npgsql connection string to a PostgreSQL 15 or later; null: a private server under <see cref="Private"/>.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>The private server, where there is no connection string.</summary>
    public required PrivatePostgresOptions Private { get; init; }

    /// <summary>Connections at most, of which grains use a third. Default 60.</summary>
    public int ConnectionsMax { get; init; } = 60;

    /// <summary>Whether the process is one of several on this database. Its connections say so by their names, and others look.</summary>
    public bool Shared { get; init; }
}
