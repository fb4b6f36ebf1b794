using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>Where a private server's files are. <c>data</c>, <c>server.log</c> and <c>socket</c> lie in <see cref="Root"/>.</summary>
internal sealed partial class ServerFolder
{
    // sun_path has 108 bytes, its terminating zero included.
    private const int SocketPathBytesMax = 107;
    private const string SocketFile = "/.s.PGSQL.5432";

    // A line in the data folder that says where the files went, so that they are found again whatever later becomes enterable.
    private const string LocationFile = "postgres.location";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private ServerFolder(string root, bool isElsewhere)
    {
        Root = root;
        IsElsewhere = isElsewhere;
    }

    /// <summary>The folder, owned by the server's user and closed to everyone else.</summary>
    public string Root { get; }

    /// <summary>Whether it lies outside the data folder.</summary>
    public bool IsElsewhere { get; }

    public string Data => Path.Combine(Root, "data");

    public string Log => Path.Combine(Root, "server.log");

    /// <summary>The major version that made the data; null where there is none.</summary>
    public int? DataMajor
    {
        get
        {
            var path = Path.Combine(Data, "PG_VERSION");
            return File.Exists(path) && int.TryParse(File.ReadAllText(path).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var major)
                ? major
                : null;
        }
    }

    /// <summary>Finds the folder of before, or makes one: in the data folder if the server's user can work there, else in the shared one.</summary>
    public static async Task<ServerFolder> LocateAsync(
        PrivatePostgresOptions options, string dataFolder, ServerAccount account, ILogger logger, CancellationToken cancellationToken)
    {
        var locationFile = Path.Combine(dataFolder, LocationFile);
        if (File.Exists(locationFile))
        {
            var recorded = (await File.ReadAllTextAsync(locationFile, cancellationToken)).Trim();
            if (Directory.Exists(Path.Combine(recorded, "data")))
            {
                return new ServerFolder(recorded, isElsewhere: true);
            }
        }

        var inside = Path.Combine(dataFolder, "postgres");
        if (await TryMakeAsync(inside, account, cancellationToken))
        {
            return new ServerFolder(inside, isElsewhere: false);
        }

        var outside = Path.Combine(options.SharedFolder, NameFor(dataFolder));
        Directory.CreateDirectory(options.SharedFolder);
        await SetAsideAsync(outside, account, logger, cancellationToken);
        if (!await TryMakeAsync(outside, account, cancellationToken))
        {
            throw new DatabaseException(
                DatabaseCodes.FolderUnwritable,
                $"The user that PostgreSQL runs as can enter neither {inside} nor {outside}. Choose another data folder with POLICY_DATA, or give a connection string.");
        }

        await File.WriteAllTextAsync(locationFile, outside + "\n", cancellationToken);
        LogElsewhere(logger, dataFolder, outside);
        return new ServerFolder(outside, isElsewhere: true);
    }

    /// <summary>
    /// The folder of the Unix socket, open to the server's user alone. That is why the server may trust whoever comes through it:
    /// that user owns the data files anyway, and root is not kept out by anything.
    /// </summary>
    public async Task<string> MakeSocketFolderAsync(ServerAccount account, CancellationToken cancellationToken)
    {
        var inside = Path.Combine(Root, "socket");
        if (PlainPath().IsMatch(inside) && Encoding.UTF8.GetByteCount(inside + SocketFile) <= SocketPathBytesMax)
        {
            await MakeOwnAsync(inside, account, cancellationToken);
            return inside;
        }

        // Only root can write to /run, so nobody can have been there before us; in /tmp the owner is checked.
        var shortName = "orleans-policy-" + ShortHash(Root);
        var outside = Path.Combine(account.DropsPrivileges && Directory.Exists("/run") ? "/run" : "/tmp", shortName);
        await MakeOwnAsync(outside, account, cancellationToken);
        return outside;
    }

    private static async Task<bool> TryMakeAsync(string folder, ServerAccount account, CancellationToken cancellationToken)
    {
        var isNew = !Path.Exists(folder);
        await MakeOwnAsync(folder, account, cancellationToken);
        var probe = await account.RunAsync("/", "/bin/sh", ["-c", "cd -- \"$0\" && test -w .", folder], cancellationToken);
        if (probe.ExitCode != 0 && isNew)
        {
            Directory.Delete(folder);
        }

        return probe.ExitCode == 0;
    }

    private static async Task MakeOwnAsync(string folder, ServerAccount account, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException();
        }

        if (new DirectoryInfo(folder).LinkTarget is not null)
        {
            throw new DatabaseException(DatabaseCodes.FolderUnwritable, $"{folder} is a link; PostgreSQL's files go to a folder of their own.");
        }

        try
        {
            var isNew = !Directory.Exists(folder);
            Directory.CreateDirectory(folder, OwnerOnly);
            if (isNew)
            {
                await account.GiveAsync(folder, cancellationToken);
            }

            // Fails for another user's folder: only an owner (or root) may change the mode.
            File.SetUnixFileMode(folder, OwnerOnly);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new DatabaseException(DatabaseCodes.FolderUnwritable, $"The folder {folder} cannot be used by this user.", e);
        }
    }

    /// <summary>
    /// A data folder without a location line is a new one, but one of the same path may have been there before and left its files
    /// outside. They are not this folder's; they are kept, under another name.
    /// </summary>
    private static async Task SetAsideAsync(string folder, ServerAccount account, ILogger logger, CancellationToken cancellationToken)
    {
        var data = Path.Combine(folder, "data");
        if (!Directory.Exists(data))
        {
            return;
        }

        if (await new ServerProcesses(account, data).AnyInAsync(cancellationToken))
        {
            throw new DatabaseException(
                DatabaseCodes.InUse,
                $"A PostgreSQL server (pid {PostmasterFile.Read(data)?.Pid}) of a data folder that is gone still runs on {folder}. Stop it (kill -INT), then start again.");
        }

        var aside = $"{folder}.{DateTime.UtcNow.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture)}";
        Directory.Move(folder, aside);
        LogSetAside(logger, folder, aside);
    }

    private static string NameFor(string dataFolder) =>
        NotPlain().Replace(dataFolder.Trim('/'), "-").Trim('-', '.') is var name && name.Length > 60
            ? $"{name[^60..]}-{ShortHash(dataFolder)}"
            : $"{name}-{ShortHash(dataFolder)}";

    private static string ShortHash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12];

    // What needs no quoting in the server's settings and means nothing special in a connection string.
    [GeneratedRegex(@"\A[A-Za-z0-9/._-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainPath();

    [GeneratedRegex("[^A-Za-z0-9._]+", RegexOptions.CultureInvariant)]
    private static partial Regex NotPlain();

    [LoggerMessage(1101, LogLevel.Warning, "The user `postgres` cannot enter {DataFolder}: PostgreSQL's files are in {Folder}")]
    private static partial void LogElsewhere(ILogger logger, string dataFolder, string folder);

    [LoggerMessage(1102, LogLevel.Warning, "{Folder} belonged to an earlier data folder of the same path and was set aside as {Aside}")]
    private static partial void LogSetAside(ILogger logger, string folder, string aside);
}
