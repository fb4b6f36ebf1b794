using System.Diagnostics;

namespace OrleansPolicy.Benchmarks;

/// <summary>Programs that we are held against. They are installed by hand: <c>npm install</c> in tests/Benchmarks/peers, and the package wrk.</summary>
internal static class Peers
{
    /// <summary>tests/Benchmarks/peers.</summary>
    public static string Folder { get; } = Find();

    /// <summary>The Cerbos server of this machine's kind.</summary>
    public static string Cerbos => Directory.EnumerateFiles(Installed("@cerbos"), "cerbos-*", SearchOption.AllDirectories).First(File.Exists);

    /// <summary>A started program; its output can be read, and its input written.</summary>
    public static Process Start(string program, params string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        WorkingDirectory = Folder,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!;

    /// <summary>The same for one that says on its error output what it need not say here: connections that ended, above all.</summary>
    public static Process StartQuietly(string program, params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, RedirectStandardError = true })!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>A folder of node_modules, or an error that says how to get it.</summary>
    public static string Installed(string package)
    {
        var folder = Path.Combine(Folder, "node_modules", package);
        return Directory.Exists(folder) ? folder : throw new InvalidOperationException($"{package} is not installed: run npm install in {Folder}.");
    }

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var peers = Path.Combine(folder.FullName, "tests", "Benchmarks", "peers");
            if (Directory.Exists(peers))
            {
                return peers;
            }
        }

        throw new InvalidOperationException("Run this from within the repository.");
    }
}
