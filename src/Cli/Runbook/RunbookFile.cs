using System.Text.Json;

namespace OrleansPolicy.Cli.Runbook;

/// <summary>
/// The state file. It is replaced as a whole, on the disk before the next thing happens: a crash at any moment leaves the one before or
/// the one after.
/// </summary>
internal sealed class RunbookFile(string path)
{
    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>The run that it holds; null: there is no file.</summary>
    public async Task<RunbookState?> FindAsync(CliHost host, CancellationToken cancellationToken) =>
        File.Exists(Path) ? await CliFiles.ReadJsonAsync<RunbookState>(Path, host, cancellationToken) : null;

    public async Task<RunbookState> WriteAsync(RunbookState state)
    {
        // Not to be given up half way: there is no token.
        var next = Path + ".next";
        try
        {
            await using (var file = new FileStream(next, FileMode.Create, FileAccess.Write))
            {
                await JsonSerializer.SerializeAsync(file, state, PolicyJson.Options);
                file.Flush(flushToDisk: true);
            }

            File.Move(next, Path, overwrite: true);
            return state;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.File($"{Path} cannot be written: {e.Message}");
        }
    }
}
