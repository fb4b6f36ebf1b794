using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>One server on one folder: created, adopted, started, stopped. Its caller holds the lock and calls one at a time.</summary>
internal sealed partial class PrivateServer(
    ServerFolder folder, ServerAccount account, PostgresBinaries binaries, PrivatePostgresOptions options, ILogger logger)
{
    /// <summary>The server's superuser; the socket's folder decides who may be it.</summary>
    public const string User = "policy";

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan AdoptionTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(20);

    private readonly ServerProcesses _processes = new(account, folder.Data);
    private string? _socketFolder;
    private long? _startTicks;

    public ServerFolder Folder => folder;

    public int Pid { get; private set; }

    /// <summary>Whether the server's process is there.</summary>
    public bool IsAlive => _startTicks is { } ticks && ServerProcesses.StartOf(Pid) == ticks;

    /// <summary>Makes the data if there is none, then adopts the running server or starts one. True: adopted.</summary>
    public async Task<bool> AdoptOrStartAsync(CancellationToken cancellationToken)
    {
        if (folder.DataMajor is null)
        {
            await CreateDataAsync(cancellationToken);
        }

        if (await TryAdoptAsync(cancellationToken))
        {
            return true;
        }

        await StartAsync(cancellationToken);
        return false;
    }

    /// <summary>Ends sessions and stops; at once, without a clean shutdown, where that takes too long.</summary>
    public async Task StopAsync()
    {
        foreach (var mode in (string[])["fast", "immediate"])
        {
            var result = await account.RunAsync(
                folder.Root,
                binaries.PgCtl,
                ["stop", "-D", "data", "-m", mode, "-w", "-t", Seconds(StopTimeout), "-s"],
                CancellationToken.None);
            if (result.ExitCode == 0 || !IsAlive)
            {
                await LeaveAsync();
                return;
            }

            LogStopFailed(logger, mode, result.Output.Trim());
        }
    }

    // pg_ctl goes by the pid file, which goes a moment before the process.
    private async Task LeaveAsync()
    {
        var clock = Stopwatch.StartNew();
        while (IsAlive && clock.Elapsed < StopTimeout)
        {
            await Task.Delay(PollInterval);
        }

        if (_socketFolder is { } socket && !socket.StartsWith(folder.Root + "/", StringComparison.Ordinal) && Directory.Exists(socket))
        {
            RemoveStaleSocket(socket);
            Directory.Delete(socket);
        }
    }

    /// <summary>How to reach one of its databases.</summary>
    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = _socketFolder,
        Port = ServerSettings.PortOf(options.Settings),
        Username = User,
        Database = database,
    }.ConnectionString;

    /// <summary>Made beside and renamed, so that a process killed half-way leaves nothing that looks like data.</summary>
    private async Task CreateDataAsync(CancellationToken cancellationToken)
    {
        if (Directory.Exists(folder.Data))
        {
            throw new DatabaseException(DatabaseCodes.StartFailed, $"{folder.Data} is there but holds no PostgreSQL data. Move it away, or choose another data folder.");
        }

        var making = folder.Data + ".new";
        if (Directory.Exists(making))
        {
            Directory.Delete(making, recursive: true);
        }

        // C locale: names compare bytewise, as in the program. Trust: see ServerFolder.MakeSocketFolderAsync.
        var result = await account.RunAsync(
            folder.Root,
            binaries.Initdb,
            ["-D", "data.new", "-E", "UTF8", "--locale=C", "-U", User, "-A", "trust", "--data-checksums", "--no-instructions"],
            cancellationToken);
        result.ThrowIfFailed($"make PostgreSQL's data in {folder.Root}");
        Directory.Move(making, folder.Data);
    }

    private async Task<bool> TryAdoptAsync(CancellationToken cancellationToken)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(PollInterval, cancellationToken))
        {
            var file = PostmasterFile.Read(folder.Data);
            if (file is not null && await _processes.IsInAsync(file.Pid, cancellationToken))
            {
                if (file.SocketFolder is { } socket && await AnswersAsync(socket, cancellationToken))
                {
                    (Pid, _startTicks, _socketFolder) = (file.Pid, ServerProcesses.StartOf(file.Pid), socket);
                    LogAdopted(logger, file.Pid);
                    return true;
                }
            }
            else if (!await _processes.AnyInAsync(cancellationToken))
            {
                // The pid in the file may be anybody's by now, so the file must not keep a server from starting. It had to stay
                // until now: children outlive a server that was killed, and two servers on one data would ruin it.
                File.Delete(Path.Combine(folder.Data, PostmasterFile.Name));
                return false;
            }

            if (clock.Elapsed > AdoptionTimeout)
            {
                throw new DatabaseException(
                    DatabaseCodes.StartFailed,
                    $"A PostgreSQL server on {folder.Data} (pid {file?.Pid.ToString(CultureInfo.InvariantCulture) ?? "unknown"}) neither answers nor ends. Stop it (kill -QUIT), then start again.");
            }
        }
    }

    /// <summary>Whether the server behind the socket answers and is the one on our data.</summary>
    private async Task<bool> AnswersAsync(string socketFolder, CancellationToken cancellationToken)
    {
        var connectionString = new NpgsqlConnectionStringBuilder
        {
            Host = socketFolder,
            Port = ServerSettings.PortOf(options.Settings),
            Username = User,
            Database = "postgres",
            Timeout = 2,
            CommandTimeout = 2,
            Pooling = false,
        }.ConnectionString;
        try
        {
            await using var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SHOW data_directory", connection);
            return (string?)await command.ExecuteScalarAsync(cancellationToken) == folder.Data;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        _socketFolder = await folder.MakeSocketFolderAsync(account, cancellationToken);
        RemoveStaleSocket(_socketFolder);
        RotateLog();

        // pg_ctl gives the server a session of its own (setsid), so that the terminal's Ctrl-C stops us first and it second.
        // Paths are relative to the folder: what pg_ctl hands to a shell needs no quoting then.
        var arguments = string.Join(' ', ServerSettings.For(_socketFolder, options.Settings).Select(s => "-c " + Quote($"{s.Key}={s.Value}")));
        var result = await account.RunAsync(
            folder.Root,
            binaries.PgCtl,
            ["start", "-D", "data", "-l", "server.log", "-w", "-t", Seconds(options.StartTimeout), "-s", "-o", arguments],
            cancellationToken);
        if (result.ExitCode != 0 || PostmasterFile.Read(folder.Data) is not { } file)
        {
            throw new DatabaseException(
                DatabaseCodes.StartFailed, $"PostgreSQL did not start on {folder.Data}: {result.Output.Trim()}\n{EndOfLog()}".TrimEnd());
        }

        (Pid, _startTicks) = (file.Pid, ServerProcesses.StartOf(file.Pid));
        LogStarted(logger, Pid, folder.Root, clock.ElapsedMilliseconds);
    }

    // Nobody lives on our data (TryAdoptAsync) and nobody else uses this folder, so what lies there is stale; but a dead server that
    // no init process has reaped yet still counts as the owner of the socket's lock file with a server that starts.
    private static void RemoveStaleSocket(string socketFolder)
    {
        foreach (var file in Directory.EnumerateFiles(socketFolder, ".s.PGSQL.*").ToArray())
        {
            File.Delete(file);
        }
    }

    // Starts, stops and errors of the server itself, a few lines each: kept once.
    private void RotateLog()
    {
        const long LogBytesMax = 4 << 20;
        var log = new FileInfo(folder.Log);
        if (log.Exists && log.Length > LogBytesMax)
        {
            File.Move(folder.Log, folder.Log + ".1", overwrite: true);
        }
    }

    private string EndOfLog()
    {
        const int LinesMax = 20;
        try
        {
            return string.Join('\n', File.ReadLines(folder.Log).TakeLast(LinesMax));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static string Quote(string argument) => "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    private static string Seconds(TimeSpan time) => Math.Ceiling(time.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    [LoggerMessage(1111, LogLevel.Information, "PostgreSQL (pid {Pid}) started on {Folder} in {ElapsedMs} ms")]
    private static partial void LogStarted(ILogger logger, int pid, string folder, long elapsedMs);

    [LoggerMessage(1112, LogLevel.Information, "PostgreSQL (pid {Pid}) was left by an earlier process and is adopted")]
    private static partial void LogAdopted(ILogger logger, int pid);

    [LoggerMessage(1113, LogLevel.Warning, "PostgreSQL did not stop ({Mode}): {Output}")]
    private static partial void LogStopFailed(ILogger logger, string mode, string output);
}
