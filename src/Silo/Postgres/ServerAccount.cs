using System.Globalization;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// As whom the server runs. PostgreSQL refuses to run as root, and should: so a process of root runs it as the user
/// <c>postgres</c>, any other as itself.
/// </summary>
internal sealed class ServerAccount
{
    private const string ServerUser = "postgres";

    private readonly string[] _prefix;

    private ServerAccount(int userId, string[] prefix)
    {
        UserId = userId;
        _prefix = prefix;
    }

    /// <summary>The user that the server runs as.</summary>
    public int UserId { get; }

    /// <summary>Whether the server runs as another user than this process.</summary>
    public bool DropsPrivileges => _prefix.Length > 0;

    public static ServerAccount ForThisProcess()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return new ServerAccount(UserIn("/proc/self/status"), []);
        }

        var entry = File.ReadLines("/etc/passwd").FirstOrDefault(line => line.StartsWith(ServerUser + ":", StringComparison.Ordinal));
        if (entry is null)
        {
            throw new DatabaseException(
                DatabaseCodes.NoServerUser,
                "PostgreSQL does not run as root, and there is no user `postgres` to run it as. Install Debian's package `postgresql`, start as another user, or give a connection string.");
        }

        // setpriv and runuser come with util-linux, su with nearly everything. The first two start no session and no shell.
        string[] prefix = Programs.Find("setpriv") is { } setpriv
            ? [setpriv, $"--reuid={ServerUser}", $"--regid={ServerUser}", "--init-groups", "--inh-caps=-all", "--"]
            : Programs.Find("runuser") is { } runuser ? [runuser, "-u", ServerUser, "--"]
            : Programs.Find("su") is { } su ? [su, "-s", "/bin/sh", "-c", "exec \"$0\" \"$@\"", "--", ServerUser]
            : throw new DatabaseException(
                DatabaseCodes.NoServerUser,
                "Started as root, but none of setpriv, runuser and su is there to run PostgreSQL as the user `postgres`. Start as another user, or give a connection string.");
        return new ServerAccount(int.Parse(entry.Split(':')[2], CultureInfo.InvariantCulture), prefix);
    }

    /// <summary>The user in a <c>/proc/PID/status</c>.</summary>
    public static int UserIn(string statusFile) => int.Parse(
        File.ReadLines(statusFile).First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1], CultureInfo.InvariantCulture);

    /// <summary>Runs a program to its end as the server's user.</summary>
    public Task<ProgramResult> RunAsync(string workingFolder, string program, string[] arguments, CancellationToken cancellationToken)
    {
        string[] line = [.. _prefix, program, .. arguments];
        return Programs.RunAsync(workingFolder, line[0], line[1..], cancellationToken);
    }

    /// <summary>Gives one folder, itself no link, to the server's user; nothing below or above it.</summary>
    public async Task GiveAsync(string folder, CancellationToken cancellationToken)
    {
        if (DropsPrivileges)
        {
            var result = await Programs.RunAsync(
                "/", Programs.Find("chown") ?? "/bin/chown", ["--no-dereference", $"{ServerUser}:", folder], cancellationToken);
            result.ThrowIfFailed($"give {folder} to the user {ServerUser}");
        }
    }
}
