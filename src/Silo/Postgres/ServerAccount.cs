namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// As whom the server runs. PostgreSQL refuses to run as root, and should: so a process of root runs it as the user
/// <c>postgres</c>, any other as itself.
/// </summary>
internal sealed class ServerAccount
{
    private const string ServerUser = "postgres";

    private readonly string[] _prefix;

    private ServerAccount(string[] prefix) => _prefix = prefix;

    /// <summary>Whether the server runs as another user than this process.</summary>
    public bool DropsPrivileges => _prefix.Length > 0;

    public static ServerAccount ForThisProcess()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return new ServerAccount([]);
        }

        if (!File.ReadLines("/etc/passwd").Any(line => line.StartsWith(ServerUser + ":", StringComparison.Ordinal)))
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
        return new ServerAccount(prefix);
    }

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
