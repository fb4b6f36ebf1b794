using System.Globalization;
using System.Runtime.Versioning;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>As whom the server runs, and where its files go then. These tests change users, which only root can.</summary>
[SupportedOSPlatform("linux")]
public sealed class ServerUserTests
{
    private static readonly string[] AsNobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];

    [Fact]
    public async Task For_root_the_server_runs_unprivileged_and_owns_its_own_folder_only()
    {
        SkipUnlessRoot();
        using var folder = new TemporaryFolder();
        await using var server = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataFolder = folder.Path });

        var user = UserOf(server.ServerProcessId);
        Assert.NotEqual(0, user);
        Assert.Equal(user, await OwnerOfAsync(server.Folder));
        Assert.Equal(0, await OwnerOfAsync(folder.Path));
    }

    [Fact]
    public async Task For_any_other_user_it_runs_as_that_user()
    {
        SkipUnlessRoot();
        using var folder = new TemporaryFolder(TemporaryFolder.Everyone | UnixFileMode.OtherWrite);

        using var holder = await ServerHolder.StartAsync(folder["data"], AsNobody);

        Assert.Equal(65534, UserOf(holder.ServerPid));
        Assert.Equal(65534, await OwnerOfAsync(folder["data"]));
        Assert.Equal(0, await holder.EndAsync());
    }

    [Fact]
    public async Task Root_without_the_right_to_look_at_other_processes_adopts_and_keeps_its_server()
    {
        SkipUnlessRoot();
        string[] inContainer = ["/usr/bin/setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", "--"];
        using var folder = new TemporaryFolder();
        using var first = await ServerHolder.StartAsync(folder.Path, inContainer);
        first.Kill();

        using var second = await ServerHolder.StartAsync(folder.Path, inContainer);

        // The watch has looked at it twice by then, and must not have taken it for dead.
        await Task.Delay(TimeSpan.FromSeconds(2.5));
        Assert.Equal(first.FirstLine, second.FirstLine);
        Assert.Equal(second.ServerPid, PostmasterFile.Read(Path.Combine(folder.Path, "postgres", "data"))!.Pid);
        Assert.NotNull(ServerProcesses.StartOf(second.ServerPid));
        Assert.Equal(0, await second.EndAsync());
        Assert.Null(ServerProcesses.StartOf(first.ServerPid));
    }

    [Fact]
    public async Task A_folder_that_the_user_cannot_write_is_refused()
    {
        SkipUnlessRoot();
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["data"]);

        using var existing = await ServerHolder.StartAsync(folder["data"], AsNobody);
        using var missing = await ServerHolder.StartAsync(folder["other"], AsNobody);

        Assert.Equal([DatabaseCodes.FolderUnwritable, DatabaseCodes.FolderUnwritable], [existing.FirstLine, missing.FirstLine]);
    }

    [Fact]
    public async Task Where_a_parent_folder_bars_the_servers_user_the_files_go_elsewhere_and_stay_there()
    {
        SkipUnlessRoot();
        using var closed = new TemporaryFolder(TemporaryFolder.OwnerOnly);
        using var shared = new TemporaryFolder();
        var options = new PrivatePostgresOptions { DataFolder = closed["data"], SharedFolder = shared["policy"] };
        string first;
        await using (var server = await PrivatePostgres.StartAsync(options))
        {
            first = server.Folder;
        }

        File.SetUnixFileMode(closed.Path, TemporaryFolder.Everyone);
        await using var again = await PrivatePostgres.StartAsync(options);

        Assert.StartsWith(shared["policy"] + "/", first, StringComparison.Ordinal);
        Assert.Equal(first, again.Folder);
        Assert.False(Directory.Exists(Path.Combine(closed["data"], "postgres")));
    }

    [Fact]
    public async Task A_new_folder_of_an_old_path_does_not_find_the_old_files()
    {
        SkipUnlessRoot();
        using var closed = new TemporaryFolder(TemporaryFolder.OwnerOnly);
        using var shared = new TemporaryFolder();
        var options = new PrivatePostgresOptions { DataFolder = closed["data"], SharedFolder = shared.Path };
        await using (await PrivatePostgres.StartAsync(options))
        {
            // Made, to be left behind.
        }

        Directory.Delete(closed["data"], recursive: true);
        await using var server = await PrivatePostgres.StartAsync(options);

        Assert.Equal(2, Directory.GetDirectories(shared.Path).Length);
        Assert.True(File.Exists(Path.Combine(Directory.GetDirectories(shared.Path).Single(path => path != server.Folder), "data", "PG_VERSION")));
    }

    [Fact]
    public async Task A_copied_data_folder_does_not_open_the_same_server_twice()
    {
        SkipUnlessRoot();
        using var closed = new TemporaryFolder(TemporaryFolder.OwnerOnly);
        using var shared = new TemporaryFolder();
        await using var server = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataFolder = closed["data"], SharedFolder = shared.Path });
        Directory.CreateDirectory(closed["copy"]);
        File.Copy(Path.Combine(closed["data"], "postgres.location"), Path.Combine(closed["copy"], "postgres.location"));

        var refused = await Assert.ThrowsAsync<DatabaseException>(
            () => PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataFolder = closed["copy"], SharedFolder = shared.Path }));

        Assert.Equal(DatabaseCodes.InUse, refused.Code);
    }

    [Fact]
    public async Task A_link_in_the_place_of_the_servers_folder_is_not_followed()
    {
        using var folder = new TemporaryFolder();
        using var elsewhere = new TemporaryFolder();
        Directory.CreateSymbolicLink(folder["postgres"], elsewhere.Path);

        var refused = await Assert.ThrowsAsync<DatabaseException>(
            () => PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataFolder = folder.Path }));

        Assert.Equal(DatabaseCodes.FolderUnwritable, refused.Code);
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere.Path));
    }

    private static void SkipUnlessRoot() => Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can change users.");

    private static int UserOf(int pid) => ServerAccount.UserIn($"/proc/{pid}/status");

    private static async Task<int> OwnerOfAsync(string path)
    {
        var result = await Programs.RunAsync("/", "/usr/bin/stat", ["-c", "%u", path], CancellationToken.None);
        return int.Parse(result.Output.Trim(), CultureInfo.InvariantCulture);
    }
}
