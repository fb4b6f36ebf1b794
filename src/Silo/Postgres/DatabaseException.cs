using System.Security.Authentication;
using Npgsql;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>The database cannot be used, and why; the process should print the message and end.</summary>
public sealed class DatabaseException : Exception
{
    /// <summary>With its code.</summary>
    /// <param name="code">One of <see cref="DatabaseCodes"/>.</param>
    /// <param name="message">One sentence for a person: what is wrong and what helps.</param>
    /// <param name="innerException">The cause.</param>
    public DatabaseException(string code, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
    }

    /// <summary>Required by convention.</summary>
    public DatabaseException()
    {
    }

    /// <summary>Required by convention.</summary>
    public DatabaseException(string message)
        : base(message)
    {
    }

    /// <summary>Required by convention.</summary>
    public DatabaseException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>What the database or the way to it says, with a code that tells what to do about it.</summary>
    internal static DatabaseException Of(NpgsqlException exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.TooManyConnections } => new(
            DatabaseCodes.Full, $"The database takes no more connections ({exception.Message}): raise max_connections, or lower Policy:ConnectionsMax of its silos.", exception),
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } or PostgresException { SqlState: ['2', '8', ..] } => new(
            DatabaseCodes.Denied, $"The database does not let its user in, or not do what is needed: {exception.Message}", exception),
        { InnerException: AuthenticationException refused } => new(
            DatabaseCodes.Certificate,
            $"The database's certificate is not accepted ({refused.Message.TrimEnd('.')}): it has expired, or is for another host, or of an authority that is not trusted here. "
            + "To look at it: openssl s_client -starttls postgres -connect HOST:PORT",
            exception),
        _ => new(DatabaseCodes.Unreachable, $"The database does not answer: {exception.Message}", exception),
    };

    /// <summary>Stable and dotted; one of <see cref="DatabaseCodes"/>.</summary>
    public string Code { get; } = DatabaseCodes.StartFailed;

    /// <summary>
    /// Whether a later start may succeed with nothing changed here: the database is back, has room, lets its user in, has a sound
    /// certificate or the schema. Else only another setting, program or folder helps, and whoever restarts the process should not.
    /// </summary>
    public bool MayPass => Code is not (DatabaseCodes.InUse or DatabaseCodes.FolderUnwritable or DatabaseCodes.BinariesMissing
        or DatabaseCodes.NoServerUser or DatabaseCodes.ServerTooOld or DatabaseCodes.SchemaNewer or DatabaseCodes.SchemaAltered);
}

/// <summary>What can keep the database from being used.</summary>
public static class DatabaseCodes
{
    /// <summary>Another process works on the same data folder; the message names its pid.</summary>
    public const string InUse = "data.in_use";

    /// <summary>The data folder cannot be written by this user.</summary>
    public const string FolderUnwritable = "data.unwritable";

    /// <summary>No PostgreSQL server programs on this machine (or none of the version that made the data).</summary>
    public const string BinariesMissing = "postgres.missing";

    /// <summary>Started by root, and there is no unprivileged user <c>postgres</c> to run the server as.</summary>
    public const string NoServerUser = "postgres.no_user";

    /// <summary>The server did not start; the message has the end of its log.</summary>
    public const string StartFailed = "postgres.start_failed";

    /// <summary>The database of the connection string does not answer.</summary>
    public const string Unreachable = "postgres.unreachable";

    /// <summary>The database refuses its user, or the user may not do what is needed.</summary>
    public const string Denied = "postgres.denied";

    /// <summary>The database takes no more connections.</summary>
    public const string Full = "postgres.full";

    /// <summary>The database's certificate has expired, or is not accepted for another reason.</summary>
    public const string Certificate = "postgres.certificate";

    /// <summary>The server is older than PostgreSQL 15.</summary>
    public const string ServerTooOld = "postgres.too_old";

    /// <summary>The database was written by a newer version of this program.</summary>
    public const string SchemaNewer = "schema.newer";

    /// <summary>A step of the schema differs from the one that was applied.</summary>
    public const string SchemaAltered = "schema.altered";

    /// <summary>A step of the schema could not be applied; nothing of it was kept.</summary>
    public const string SchemaFailed = "schema.failed";

    /// <summary>Another process holds the migration lock for too long, or uses a table that a step changes.</summary>
    public const string SchemaLocked = "schema.locked";
}
