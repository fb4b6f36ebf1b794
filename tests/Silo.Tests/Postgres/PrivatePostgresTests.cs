using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Npgsql;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Tests.Postgres;

[SupportedOSPlatform("linux")]
public sealed class PrivatePostgresTests
{
    [Fact]
    public async Task What_was_written_is_there_after_a_stop_and_a_start()
    {
        using var folder = new TemporaryFolder();
        int firstPid;
        await using (var first = await StartAsync(folder.Path))
        {
            firstPid = first.ServerProcessId;
            await ScalarAsync(first, "CREATE TABLE kept AS SELECT 7 AS n");
            Assert.False(first.Adopted);
        }

        Assert.False(IsAlive(firstPid));
        await using var second = await StartAsync(folder.Path);
        Assert.False(second.Adopted);
        Assert.Equal(7, await ScalarAsync(second, "SELECT n FROM kept"));
    }

    [Fact]
    public async Task It_listens_on_its_own_socket_only_and_keeps_what_it_was_given()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder.Path);

        Assert.Equal("", await ScalarAsync(server, "SHOW listen_addresses"));
        Assert.Equal(["on", "on", "on"], [await ScalarAsync(server, "SHOW fsync"), await ScalarAsync(server, "SHOW synchronous_commit"), await ScalarAsync(server, "SHOW data_checksums")]);
        Assert.Equal("C UTF8", await ScalarAsync(server, "SELECT datcollate || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"));
        var socketFolder = new NpgsqlConnectionStringBuilder(server.ConnectionString).Host!;
        Assert.Equal(TemporaryFolder.OwnerOnly, File.GetUnixFileMode(socketFolder));
        Assert.Equal(TemporaryFolder.OwnerOnly, File.GetUnixFileMode(server.Folder));
    }

    [Fact]
    public async Task It_has_a_session_of_its_own_so_that_a_terminals_interrupt_does_not_reach_it()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder.Path);

        // Fields 5 and 6 of /proc/PID/stat, the third being the first behind the name in brackets.
        var stat = (await File.ReadAllTextAsync($"/proc/{server.ServerProcessId}/stat")).Split(')')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(server.ServerProcessId.ToString(CultureInfo.InvariantCulture), stat[2]);
        Assert.Equal(server.ServerProcessId.ToString(CultureInfo.InvariantCulture), stat[3]);
    }

    [Fact]
    public async Task A_second_process_on_the_same_folder_is_refused_and_told_whose_it_is()
    {
        using var folder = new TemporaryFolder();
        using var holder = await ServerHolder.StartAsync(folder.Path);

        var refused = await Assert.ThrowsAsync<DatabaseException>(() => StartAsync(folder.Path));

        Assert.Equal(DatabaseCodes.InUse, refused.Code);
        Assert.Contains($"pid {holder.Pid}", refused.Message, StringComparison.Ordinal);
        Assert.True(IsAlive(holder.ServerPid));
        Assert.Equal(0, await holder.EndAsync());
        Assert.False(IsAlive(holder.ServerPid));
        await using var free = await StartAsync(folder.Path);
    }

    [Fact]
    public async Task The_same_process_is_refused_a_second_time_too()
    {
        using var folder = new TemporaryFolder();
        using var link = new TemporaryFolder();
        await using var server = await StartAsync(folder.Path);
        Directory.CreateSymbolicLink(link["same"], folder.Path);

        Assert.Equal(DatabaseCodes.InUse, (await Assert.ThrowsAsync<DatabaseException>(() => StartAsync(folder.Path))).Code);
        Assert.Equal(DatabaseCodes.InUse, (await Assert.ThrowsAsync<DatabaseException>(() => StartAsync(link["same"]))).Code);
    }

    [Fact]
    public async Task The_server_of_a_killed_process_lives_on_and_is_adopted()
    {
        using var folder = new TemporaryFolder();
        using var holder = await ServerHolder.StartAsync(folder.Path);
        var serverPid = holder.ServerPid;

        holder.Kill();

        Assert.True(IsAlive(serverPid));
        await using (var server = await StartAsync(folder.Path))
        {
            Assert.True(server.Adopted);
            Assert.Equal(serverPid, server.ServerProcessId);
            Assert.Equal(1, await ScalarAsync(server, "SELECT 1"));
        }

        Assert.False(IsAlive(serverPid));
    }

    [Fact]
    public async Task A_server_that_was_killed_with_its_process_is_started_again_from_its_log()
    {
        using var folder = new TemporaryFolder();
        using var holder = await ServerHolder.StartAsync(folder.Path);
        holder.Kill();
        await using (var adopted = await StartAsync(folder.Path))
        {
            await ScalarAsync(adopted, "CREATE TABLE kept AS SELECT 7 AS n");
        }

        using var second = await ServerHolder.StartAsync(folder.Path);
        second.Kill();
        await KillAsync(second.ServerPid);
        await using var server = await StartAsync(folder.Path);

        Assert.False(server.Adopted);
        Assert.Equal(7, await ScalarAsync(server, "SELECT n FROM kept"));
    }

    [Fact]
    public async Task A_server_that_dies_under_a_living_process_comes_back()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder.Path);
        await ScalarAsync(server, "CREATE TABLE kept AS SELECT 7 AS n");
        var before = server.ServerProcessId;

        await KillAsync(before);

        var deadline = Stopwatch.StartNew();
        while (server.ServerProcessId == before)
        {
            Assert.InRange(deadline.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60));
            await Task.Delay(50);
        }

        Assert.Equal(7, await ScalarAsync(server, "SELECT n FROM kept"));
    }

    [Fact]
    public async Task A_pid_file_that_names_somebody_elses_process_is_stale()
    {
        using var folder = new TemporaryFolder();
        string data;
        await using (var first = await StartAsync(folder.Path))
        {
            data = Path.Combine(first.Folder, "data");
        }

        // After a restart of the machine any process of the server's user may have the number.
        using var stranger = Process.Start(new ProcessStartInfo("sleep", ["600"]))!;
        await File.WriteAllTextAsync(Path.Combine(data, "postmaster.pid"), $"{stranger.Id}\n{data}\n1\n5432\n/tmp\n\n 1 2\nready   \n");
        await using var server = await StartAsync(folder.Path);
        stranger.Kill();

        Assert.False(server.Adopted);
        Assert.NotEqual(stranger.Id, server.ServerProcessId);
    }

    [Fact]
    public async Task A_living_server_whose_pid_file_was_lost_gets_no_second_one_beside_it()
    {
        using var folder = new TemporaryFolder();
        using var holder = await ServerHolder.StartAsync(folder.Path);
        holder.Kill();
        File.Delete(Path.Combine(folder.Path, "postgres", "data", "postmaster.pid"));

        var starting = StartAsync(folder.Path);
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.False(starting.IsCompleted);
        await KillAsync(holder.ServerPid);
        await using var server = await starting;

        Assert.NotEqual(holder.ServerPid, server.ServerProcessId);
    }

    [Fact]
    public async Task Data_that_was_half_made_is_made_again()
    {
        using var folder = new TemporaryFolder();
        await using (var first = await StartAsync(folder.Path))
        {
            // As if the process had been killed before the rename.
        }

        Directory.Move(Path.Combine(folder.Path, "postgres", "data"), Path.Combine(folder.Path, "postgres", "data.new"));
        await using var server = await StartAsync(folder.Path);

        Assert.Equal(1, await ScalarAsync(server, "SELECT 1"));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "postgres", "data.new")));
    }

    [Theory]
    [InlineData("with blank, comma; quote' and \"more\" $HOME `x` \u00e4")]
    [InlineData("a-name-so-long-that-the-socket-does-not-fit-into-the-hundred-and-eight-bytes-of-a-unix-address-and-must-go-elsewhere")]
    public async Task Any_folder_name_will_do(string name)
    {
        using var folder = new TemporaryFolder();

        await using var server = await StartAsync(folder[name]);

        Assert.Equal(Path.Combine(folder.Path, name, "postgres", "data"), await ScalarAsync(server, "SHOW data_directory"));
    }

    [Fact]
    public async Task Without_server_programs_the_error_says_what_to_install_and_leaves_nothing()
    {
        using var folder = new TemporaryFolder();

        var missing = await Assert.ThrowsAsync<DatabaseException>(
            () => PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataFolder = folder["data"], BinFolder = folder["nowhere"] }));

        Assert.Equal(DatabaseCodes.BinariesMissing, missing.Code);
        Assert.Contains("`postgresql`", missing.Message, StringComparison.Ordinal);
        Assert.Contains("connection string", missing.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder["data"], "postgres")));
    }

    [Fact]
    public async Task A_setting_that_the_server_refuses_is_told_in_its_own_words()
    {
        using var folder = new TemporaryFolder();

        var failed = await Assert.ThrowsAsync<DatabaseException>(() => PrivatePostgres.StartAsync(new PrivatePostgresOptions
        {
            DataFolder = folder.Path,
            Settings = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("no_such_setting", "1"),
        }));

        Assert.Equal(DatabaseCodes.StartFailed, failed.Code);
        Assert.Contains("no_such_setting", failed.Message, StringComparison.Ordinal);
        await using var free = await StartAsync(folder.Path);
    }

    private static Task<PrivatePostgres> StartAsync(string folder) => PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataFolder = folder });

    private static bool IsAlive(int pid) => ServerProcesses.StartOf(pid) is not null;

    private static async Task KillAsync(int pid)
    {
        Process.GetProcessById(pid).Kill();
        var deadline = Stopwatch.StartNew();
        while (IsAlive(pid))
        {
            Assert.InRange(deadline.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60));
            await Task.Delay(10);
        }
    }

    private static async Task<object?> ScalarAsync(PrivatePostgres server, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(server.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
