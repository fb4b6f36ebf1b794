using System.Globalization;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// The server processes that live in a data folder. A server and its children have it as their working directory, which tells
/// them from a process that merely has a recycled pid. A second server on living data would ruin it, so whatever cannot be
/// told counts as alive.
/// </summary>
internal sealed class ServerProcesses(ServerAccount account, string data)
{
    /// <summary>
    /// When a process started, in the kernel's ticks: with its pid, a name that is never used twice. Null: it is not there, or
    /// dead and not yet reaped (nobody reaps in a container without an init process). Anybody may read this of any process.
    /// </summary>
    public static long? StartOf(int pid) => ReadStat(pid)?.StartTicks;

    /// <summary>Whether this process is part of the server on the data.</summary>
    public async Task<bool> IsInAsync(int pid, CancellationToken cancellationToken)
    {
        if (ReadStat(pid) is not { Name: "postgres" } || UserOf(pid) != account.UserId)
        {
            return false;
        }

        if (TryReadLink(WorkingFolderOf(pid)) is { } folder)
        {
            return folder == data;
        }

        // Root may look at another user's process only with CAP_SYS_PTRACE, which containers do not give it. That user may.
        var result = await account.RunAsync("/", Programs.Find("readlink") ?? "/bin/readlink", [WorkingFolderOf(pid)], cancellationToken);
        return result.ExitCode == 0 ? result.Output.TrimEnd('\n') == data : ReadStat(pid) is not null;
    }

    /// <summary>Whether any process at all is left of the server on the data.</summary>
    public async Task<bool> AnyInAsync(CancellationToken cancellationToken)
    {
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && await IsInAsync(pid, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }

    private static string? TryReadLink(string path)
    {
        try
        {
            return new DirectoryInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string WorkingFolderOf(int pid) => $"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/cwd";

    /// <summary>Name, and field 22, of <c>/proc/PID/stat</c> (proc(5)). The name is in brackets and may itself hold any.</summary>
    private static (string Name, long StartTicks)? ReadStat(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/stat");
            var (open, close) = (stat.IndexOf('('), stat.LastIndexOf(')'));
            var fields = stat[(close + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : (stat[(open + 1)..close], long.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static int? UserOf(int pid)
    {
        try
        {
            return ServerAccount.UserIn($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/status");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
