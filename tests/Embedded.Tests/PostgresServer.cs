using System.Diagnostics;
using Npgsql;
using Orleans.TestingHost;

namespace OrleansPolicy.Embedded.Tests;

/// <summary>A PostgreSQL of these tests' own, on a socket in a temporary folder.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"engine-{Guid.NewGuid():N}"[..15]);
    private string _binaries = "";

    public string ConnectionString => $"Host={_folder};Username=postgres;Database=postgres";

    /// <summary>A silo with states and reminders here.</summary>
    public Task<InProcessTestCluster> DeployAsync(string serviceId, short silos = 1) => TestCluster.DeployAsync(
        silos,
        silo =>
        {
            silo.AddAdoNetGrainStorage("chosen", options =>
            {
                options.Invariant = "Npgsql";
                options.ConnectionString = ConnectionString;
                options.GrainStorageSerializer = new StateJson();
            });
            silo.UseAdoNetReminderService(options =>
            {
                options.Invariant = "Npgsql";
                options.ConnectionString = ConnectionString;
            });
            silo.Configure<ReminderOptions>(options => options.MinimumReminderPeriod = TimeSpan.FromMilliseconds(50));
        },
        serviceId);

    public async ValueTask InitializeAsync()
    {
        _binaries = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(Directory.Exists).Max()!
            : throw new InvalidOperationException("These tests need PostgreSQL's server binaries: install the package 'postgresql'.");
        Directory.CreateDirectory(_folder);
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", "postgres", _folder);
        }

        var data = Path.Combine(_folder, "data");
        await RunAsServerAsync("initdb", "--pgdata", data, "--auth", "trust", "--username", "postgres", "--no-sync");
        await RunAsServerAsync(
            "pg_ctl", "start", "--wait", "--pgdata", data, "--log", Path.Combine(_folder, "log"),
            "--options", $"-c listen_addresses='' -c unix_socket_directories='{_folder}' -c fsync=off -c max_connections=200");

        // Twice: what is applied again changes nothing.
        await ApplySchemaAsync();
        await ApplySchemaAsync();
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await RunAsServerAsync("pg_ctl", "stop", "--mode", "immediate", "--pgdata", Path.Combine(_folder, "data"));
        Directory.Delete(_folder, recursive: true);
    }

    public async Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> read)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private async Task ApplySchemaAsync() =>
        await QueryAsync(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "orleans.sql")), _ => 0);

    private Task RunAsServerAsync(string program, params string[] arguments) => Environment.IsPrivilegedProcess
        ? RunAsync("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", Path.Combine(_binaries, program), .. arguments])
        : RunAsync(Path.Combine(_binaries, program), arguments);

    private async Task RunAsync(string program, params string[] arguments)
    {
        // Not redirected: the server inherits what pg_ctl has and would keep a pipe open.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >/dev/null 2>&1", program, .. arguments]) { WorkingDirectory = _folder };
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed with {process.ExitCode}.");
        }
    }
}
