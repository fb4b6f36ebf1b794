using System.Globalization;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>What a running server writes into <c>postmaster.pid</c> of its data (PostgreSQL manual, "Database File Layout").</summary>
/// <param name="Pid">The server's process id.</param>
/// <param name="SocketFolder">Where its Unix socket is; null while it is starting.</param>
internal sealed record PostmasterFile(int Pid, string? SocketFolder)
{
    public const string Name = "postmaster.pid";

    /// <summary>Null where there is no such file, or none that can be read as one.</summary>
    public static PostmasterFile? Read(string data)
    {
        try
        {
            var lines = File.ReadAllLines(Path.Combine(data, Name));
            if (lines.Length == 0 || !int.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                return null;
            }

            return new PostmasterFile(pid, lines.Length > 4 && lines[4].StartsWith('/') ? lines[4] : null);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
