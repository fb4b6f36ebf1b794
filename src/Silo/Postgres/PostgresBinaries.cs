using System.Globalization;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>The server programs of one PostgreSQL version on this machine.</summary>
/// <param name="Folder">Where they are.</param>
internal sealed record PostgresBinaries(string Folder)
{
    /// <summary>The oldest major version that is supported.</summary>
    public const int OldestMajor = 15;

    private const string DebianRoot = "/usr/lib/postgresql";

    private static readonly string[] Needed = ["initdb", "pg_ctl", "postgres"];

    public string Initdb => Path.Combine(Folder, "initdb");

    public string PgCtl => Path.Combine(Folder, "pg_ctl");

    /// <summary>The newest there are; for existing data those of the major version that made it, as no other can read it.</summary>
    public static PostgresBinaries Find(string? givenFolder, int? dataMajor)
    {
        if (givenFolder is not null)
        {
            return IsComplete(givenFolder) ? new PostgresBinaries(givenFolder) : throw Missing($"in {givenFolder}");
        }

        var debian = Directory.Exists(DebianRoot)
            ? from folder in Directory.EnumerateDirectories(DebianRoot)
              let major = int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0
              where major >= OldestMajor && (dataMajor is null || dataMajor == major)
              orderby major descending
              select Path.Combine(folder, "bin")
            : [];
        var onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return debian.Concat(onPath).FirstOrDefault(IsComplete) is { } found
            ? new PostgresBinaries(found)
            : throw Missing(dataMajor is null ? "on this machine" : $"of version {dataMajor}, which made this data, on this machine");
    }

    private static bool IsComplete(string folder) => Array.TrueForAll(Needed, name => File.Exists(Path.Combine(folder, name)));

    private static DatabaseException Missing(string where) => new(
        DatabaseCodes.BinariesMissing,
        $"No PostgreSQL server programs {where}. Install Debian's package `postgresql` (apt-get install postgresql), or give a connection string to a PostgreSQL {OldestMajor} or later.");
}
