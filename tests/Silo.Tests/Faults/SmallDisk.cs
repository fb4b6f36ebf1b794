using System.Diagnostics;
using System.Globalization;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>A file system of its own, in memory, that can really be filled and emptied. Only root can make one.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int SizeMb = 256;
    private readonly TemporaryFolder _folder = new();

    public string DataFolder => _folder["disk"];

    private string Ballast => Path.Combine(DataFolder, "ballast");

    /// <summary>Skips the test, and says why, where this user can mount nothing.</summary>
    public static async Task<SmallDisk> MountAsync()
    {
        var disk = new SmallDisk();
        Directory.CreateDirectory(disk.DataFolder);
        var said = OperatingSystem.IsLinux()
            ? await RunAsync("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={SizeMb}m,mode=755"), "none", disk.DataFolder)
            : "this is not Linux";
        if (said is not null)
        {
            disk._folder.Dispose();
            Assert.Skip("A file system that can be filled cannot be mounted here: " + said);
        }

        return disk;
    }

    /// <summary>Takes every byte that is left.</summary>
    public async Task FillAsync()
    {
        var block = new byte[64 * 1024];
        foreach (var length in new[] { block.Length, 4096 })
        {
            try
            {
                await using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
                while (true)
                {
                    await file.WriteAsync(block.AsMemory(0, length));
                }
            }
            catch (IOException)
            {
                // Full, for pieces of this length.
            }
        }
    }

    /// <summary>Gives it back.</summary>
    public void Free() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        await RunAsync("umount", "-l", DataFolder);
        _folder.Dispose();
    }

    // Null: it succeeded; else what it said.
    private static async Task<string?> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            var said = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? null : said.Trim();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}
