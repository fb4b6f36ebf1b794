using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// A PostgreSQL server of the process's own: reachable through a Unix socket only, in a session of its own, so that neither a
/// Ctrl-C in the terminal nor the death of this process reaches it. One that a killed process left behind is adopted; one that
/// dies is started again. Disposing stops it.
/// </summary>
public sealed partial class PrivatePostgres : IAsyncDisposable
{
    private const string Database = "policy";

    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    private readonly DataFolderLock[] _locks;
    private readonly PrivateServer _server;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _oneAtATime = new(1);
    private readonly CancellationTokenSource _disposing = new();
    private readonly Task _watching;
    private bool _suspended;
    private bool _disposed;

    private PrivatePostgres(DataFolderLock[] locks, PrivateServer server, bool adopted, ILogger logger)
    {
        _locks = locks;
        _server = server;
        _logger = logger;
        Adopted = adopted;
        _watching = WatchAsync();
    }

    /// <summary>For a connection to the product's database.</summary>
    public string ConnectionString => _server.ConnectionString(Database);

    /// <summary>The server's process id.</summary>
    public int ServerProcessId => _server.Pid;

    /// <summary>Whether the server was running already, left by a process that was killed.</summary>
    public bool Adopted { get; }

    /// <summary>Where the server's files are.</summary>
    public string Folder => _server.Folder.Root;

    /// <summary>Starts or adopts the server of a data folder. Throws <see cref="DatabaseException"/>.</summary>
    public static async Task<PrivatePostgres> StartAsync(
        PrivatePostgresOptions options, ILogger? logger = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        logger ??= NullLogger.Instance;
        if (!OperatingSystem.IsLinux())
        {
            throw new DatabaseException(
                DatabaseCodes.BinariesMissing, "A PostgreSQL of the process's own is run on Linux only. Give a connection string.");
        }

        var dataFolder = MakeDataFolder(options.DataFolder);
        var locks = new List<DataFolderLock> { DataFolderLock.Acquire(dataFolder) };
        try
        {
            // Before any folder is made: a machine without PostgreSQL keeps nothing of the attempt.
            _ = PostgresBinaries.Find(options.BinFolder, dataMajor: null);
            var account = ServerAccount.ForThisProcess();
            var folder = await ServerFolder.LocateAsync(options, dataFolder, account, logger, cancellationToken);
            if (folder.IsElsewhere)
            {
                locks.Add(DataFolderLock.AcquireBeside(folder.Root));
            }

            var binaries = PostgresBinaries.Find(options.BinFolder, folder.DataMajor);
            var server = new PrivateServer(folder, account, binaries, options, logger);
            var adopted = await server.AdoptOrStartAsync(cancellationToken);
            await MakeDatabaseAsync(server, cancellationToken);
            return new PrivatePostgres([.. locks], server, adopted, logger);
        }
        catch
        {
            locks.ForEach(held => held.Dispose());
            throw;
        }
    }

    /// <summary>Stops the server and lets go of the data folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _disposing.CancelAsync();
        await _watching;
        await _server.StopAsync();
        Array.ForEach(_locks, held => held.Dispose());
        _disposing.Dispose();
        _oneAtATime.Dispose();
    }

    /// <summary>Stops the server and leaves it stopped until <see cref="ResumeAsync"/>: an outage, for tests.</summary>
    internal async Task SuspendAsync()
    {
        await _oneAtATime.WaitAsync();
        try
        {
            _suspended = true;
            await _server.StopAsync();
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Ends the outage.</summary>
    internal async Task ResumeAsync()
    {
        await _oneAtATime.WaitAsync();
        try
        {
            await _server.AdoptOrStartAsync(_disposing.Token);
            _suspended = false;
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private static string MakeDataFolder(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        try
        {
            return RealPath(Directory.CreateDirectory(full).FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatabaseException(DatabaseCodes.FolderUnwritable, $"The data folder {full} cannot be made: {e.Message}", e);
        }
    }

    // Without links: the server names its folders so, and two ways to one folder must come out as one.
    private static string RealPath(string path)
    {
        var real = "/";
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = new DirectoryInfo(Path.Combine(real, part));
            real = next.ResolveLinkTarget(returnFinalTarget: true) is { } target ? RealPath(target.FullName) : next.FullName;
        }

        return real;
    }

    private static async Task MakeDatabaseAsync(PrivateServer server, CancellationToken cancellationToken)
    {
        var connectionString = new NpgsqlConnectionStringBuilder(server.ConnectionString("postgres")) { Pooling = false }.ConnectionString;
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var find = new NpgsqlCommand($"SELECT 1 FROM pg_database WHERE datname = '{Database}'", connection);
        if (await find.ExecuteScalarAsync(cancellationToken) is null)
        {
            await using var make = new NpgsqlCommand($"CREATE DATABASE {Database}", connection);
            await make.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    // A server that was killed (out of memory, a stray signal) comes back without hands; its own recovery loses nothing committed.
    private async Task WatchAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(WatchInterval);
            while (await timer.WaitForNextTickAsync(_disposing.Token))
            {
                await _oneAtATime.WaitAsync(_disposing.Token);
                try
                {
                    if (!_suspended && !_server.IsAlive)
                    {
                        LogGone(_logger, _server.Pid);
                        await _server.AdoptOrStartAsync(_disposing.Token);
                    }
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    LogRestartFailed(_logger, e);
                }
                finally
                {
                    _oneAtATime.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Disposing.
        }
    }

    [LoggerMessage(1121, LogLevel.Error, "PostgreSQL (pid {Pid}) is gone; starting it again")]
    private static partial void LogGone(ILogger logger, int pid);

    [LoggerMessage(1122, LogLevel.Error, "PostgreSQL did not start again; the next try follows")]
    private static partial void LogRestartFailed(ILogger logger, Exception exception);
}
