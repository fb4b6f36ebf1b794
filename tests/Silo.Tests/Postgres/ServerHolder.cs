using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>
/// Another process that holds a data folder: this very test assembly, started with a variable that keeps it from ever running a
/// test. It says the server's pid once it is up, and ends in good order when its input ends; or it is killed.
/// </summary>
public sealed class ServerHolder : IDisposable
{
    private const string FolderVariable = "POLICY_TEST_HOLDS_FOLDER";

    private readonly Process _process;
    private readonly long? _serverStart;

    private ServerHolder(Process process, string firstLine)
    {
        _process = process;
        FirstLine = firstLine;
        _serverStart = int.TryParse(firstLine, CultureInfo.InvariantCulture, out var pid) ? ServerProcesses.StartOf(pid) : null;
    }

    public int Pid => _process.Id;

    /// <summary>What it said first: the server's pid, or the code of what kept it from starting.</summary>
    public string FirstLine { get; }

    public int ServerPid => int.Parse(FirstLine, CultureInfo.InvariantCulture);

    /// <summary>Starts one; <paramref name="prefix"/> may change the user it runs as.</summary>
    public static async Task<ServerHolder> StartAsync(string folder, params string[] prefix)
    {
        string[] line = [.. prefix, Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "exec", typeof(ServerHolder).Assembly.Location];
        var process = Process.Start(new ProcessStartInfo(line[0], line[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { [FolderVariable] = folder },
        })!;
        var first = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return new ServerHolder(process, first ?? "");
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public async Task<int> EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        // A test that failed half-way leaves no server behind.
        if (_serverStart is not null && ServerProcesses.StartOf(ServerPid) == _serverStart)
        {
            Process.GetProcessById(ServerPid).Kill();
        }

        _process.Dispose();
    }

    // Before the test runner's Main. It blocks on purpose: nothing else of this assembly is to run in that process.
    [ModuleInitializer]
    internal static void HoldIfAsked()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { Length: > 0 } folder)
        {
            return;
        }

        try
        {
            var server = PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataFolder = folder }).GetAwaiter().GetResult();
            Console.WriteLine(server.ServerProcessId);
            Console.In.ReadToEnd();
            server.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Environment.Exit(0);
        }
        catch (DatabaseException e)
        {
            Console.WriteLine(e.Code);
            Environment.Exit(3);
        }
    }
}
