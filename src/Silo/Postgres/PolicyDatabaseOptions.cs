namespace OrleansPolicy.Silo.Postgres;

/// <summary>Which database the process uses.</summary>
public sealed record PolicyDatabaseOptions
{
    /// <summary>An Npgsql connection string to a PostgreSQL 15 or later; null: a private server under <see cref="Private"/>.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>The private server, where there is no connection string.</summary>
    public required PrivatePostgresOptions Private { get; init; }

    /// <summary>Connections that the stores use at most. Default 40.</summary>
    public int PoolSizeMax { get; init; } = 40;
}
