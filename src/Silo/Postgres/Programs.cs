using System.Diagnostics;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>How a program ended.</summary>
internal sealed record ProgramResult(int ExitCode, string Output)
{
    public void ThrowIfFailed(string what)
    {
        if (ExitCode != 0)
        {
            throw new DatabaseException(DatabaseCodes.StartFailed, $"Could not {what}: {Output.Trim()}");
        }
    }
}

/// <summary>Other programs of the machine.</summary>
internal static class Programs
{
    private static readonly string[] Folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

    /// <summary>A system program; PATH is not asked, as what is found is run by root.</summary>
    public static string? Find(string name) => Folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    public static async Task<ProgramResult> RunAsync(
        string workingFolder, string program, string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = workingFolder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };

        // A PGPORT or PGDATA meant for another server must not reach ours; messages come in one language.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["LC_ALL"] = "C";
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return new ProgramResult(process.ExitCode, await output + await error);
    }
}
