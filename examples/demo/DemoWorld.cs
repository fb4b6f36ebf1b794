using OrleansPolicy.Client;

namespace OrleansPolicy.Demo;

/// <summary>What the steps share.</summary>
internal sealed class DemoWorld : IAsyncDisposable
{
    public const string Fleet = "edge";

    private readonly Action<string> _note;
    private readonly Action<string> _progress;

    public DemoWorld(DemoOptions options, Action<string> note, Action<string> progress)
    {
        Options = options;
        (_note, _progress) = (note, progress);

        // The private PostgreSQL runs as another user when this is root: it must be able to enter.
        Folder = Path.Combine(Path.GetTempPath(), $"policy-demo-{Guid.NewGuid():N}"[..24]);
        Directory.CreateDirectory(Folder);
        ControlPlane = new ControlPlane(options.Silo, Path.Combine(Folder, "data"), options.HourSeconds);
    }

    public DemoOptions Options { get; }

    /// <summary>Keys, data and logs of this run.</summary>
    public string Folder { get; }

    public ControlPlane ControlPlane { get; }

    public Agents Agents { get; } = new();

    public Tool Tool { get; set; } = null!;

    /// <summary>The admin's view, for looking on.</summary>
    public PolicyClient Admin { get; set; } = null!;

    public Load Load { get; set; } = null!;

    /// <summary>Policy hashes by the name the story gives them.</summary>
    public Dictionary<string, string> Hashes { get; } = [];

    /// <summary>The files of the people's keys, by name.</summary>
    public string KeyOf(string person) => InFolder(person + ".key");

    public string InFolder(string name) => Path.Combine(Folder, name);

    public string Example(string path) => Path.Combine(Options.Root, "examples", path);

    /// <summary>Shows what goes on.</summary>
    public void Note(string text) => _note(text);

    /// <summary>Shows how far it is, where that can be shown without a new line.</summary>
    public void Progress(string text) => _progress(text);

    /// <summary>Waits for something with a deadline, looking often.</summary>
    public static async Task UntilAsync(Func<bool> holds, TimeSpan atMost, Func<string> otherwise, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!holds())
        {
            DemoFailureException.Unless(TimeProvider.System.GetElapsedTime(started) < atMost, otherwise());
            await Task.Delay(20, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Load is not null)
        {
            await Load.DisposeAsync();
        }

        await Agents.DisposeAsync();
        Admin?.Dispose();
        await ControlPlane.DisposeAsync();
        if (!Options.Keep)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
