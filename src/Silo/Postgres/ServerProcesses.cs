using System.Globalization;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// The server processes that live in a data folder. A server and its children have it as their working directory, which tells
/// them from a process that merely has a recycled pid, and from a dead one that nobody has reaped.
/// </summary>
internal static class ServerProcesses
{
    /// <summary>Whether this process is (or was, before its parent died) part of the server on that data.</summary>
    public static bool IsIn(int pid, string data)
    {
        try
        {
            var process = $"/proc/{pid.ToString(CultureInfo.InvariantCulture)}";
            return new DirectoryInfo(process + "/cwd").LinkTarget == data
                && File.ReadAllText(process + "/comm").TrimEnd() == "postgres"; // Not the shell of somebody who looks around there.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Whether any process at all is left of the server on that data.</summary>
    public static bool AnyIn(string data) =>
        Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Any(pid => pid > 0 && IsIn(pid, data));
}
