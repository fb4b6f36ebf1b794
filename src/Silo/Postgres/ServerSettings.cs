using System.Collections.Immutable;
using System.Globalization;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>How a private server is set. Given on its command line, so that they follow the program's version and not the data's.</summary>
internal static class ServerSettings
{
    private static readonly ImmutableSortedDictionary<string, string> Fixed = new Dictionary<string, string>
    {
        // Nothing but the Unix socket.
        ["listen_addresses"] = "",
        ["port"] = "5432",
        ["unix_socket_permissions"] = "0700",

        // What was answered as done stays done.
        ["fsync"] = "on",
        ["full_page_writes"] = "on",
        ["synchronous_commit"] = "on",

        // Small: the data is a few thousand rows that change and a log that grows.
        ["shared_buffers"] = "64MB",
        ["max_connections"] = "150",
        ["max_wal_size"] = "512MB",
        ["jit"] = "off",

        ["timezone"] = "UTC",
        ["log_timezone"] = "UTC",

        // The server's own life only. A refused statement (a name is taken) is an answer, not an incident; and no statement text,
        // as values stand in it.
        ["log_min_messages"] = "log",
        ["log_min_error_statement"] = "panic",
        ["log_checkpoints"] = "off",
    }.ToImmutableSortedDictionary();

    public static ImmutableSortedDictionary<string, string> For(string socketFolder, ImmutableSortedDictionary<string, string> further) =>
        Fixed.SetItem("unix_socket_directories", socketFolder).SetItems(further);

    /// <summary>By which its socket is named, too.</summary>
    public static int PortOf(ImmutableSortedDictionary<string, string> further) =>
        int.Parse(further.GetValueOrDefault("port", Fixed["port"]), CultureInfo.InvariantCulture);
}
