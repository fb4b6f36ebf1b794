namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>A folder with a bundle file, and the options of a node that runs it.</summary>
internal sealed class FileNode : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("policy-file-").FullName;

    public SignedBundles Bundles { get; } = new();

    public ShiftedTime Time { get; } = new();

    public System.Collections.Concurrent.ConcurrentQueue<NodeEvent> Events { get; } = new();

    public string File => this["bundle.json"];

    public string this[string name] => Path.Combine(Folder, name);

    public PolicyNodeOptions Options => new()
    {
        BundleFile = File,
        BundleFilePoll = TimeSpan.FromMilliseconds(200),
        TrustRoot = Bundles.Root,
        TimeProvider = Time,
        OnEvent = Events.Enqueue,
    };

    /// <summary>Only what a test asks for is read.</summary>
    public PolicyNodeOptions Unwatched => Options with { BundleFileWatch = BundleFileWatch.None };

    public SignedBundle Write(string version, string? path = null)
    {
        var bundle = Bundles.Make(version);
        System.IO.File.WriteAllBytes(path ?? File, bundle.Content);
        return bundle;
    }

    /// <summary>As a careful writer does: beside it, then renamed into its place.</summary>
    public SignedBundle Replace(string version)
    {
        var bundle = Write(version, this["bundle.json.tmp"]);
        System.IO.File.Move(this["bundle.json.tmp"], File, overwrite: true);
        return bundle;
    }

    public void Dispose()
    {
        Bundles.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
