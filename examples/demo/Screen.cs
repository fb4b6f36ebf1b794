using System.Diagnostics;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace OrleansPolicy.Demo;

/// <summary>Where the story is seen: a live table on a terminal, else one line for each thing that happens; and the table at the end.</summary>
internal sealed class Screen
{
    private const int WidthWithoutTerminal = 160;

    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(150);

    private readonly IAnsiConsole _console;
    private readonly bool _isLive;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Lock _lock = new();
    private readonly List<Row> _rows;

    public Screen(IEnumerable<string> titles, bool plain)
    {
        _isLive = !plain && !Console.IsOutputRedirected;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = _isLive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = _isLive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        if (Console.IsOutputRedirected)
        {
            _console.Profile.Width = WidthWithoutTerminal;
        }

        _rows = [.. titles.Select(title => new Row(title))];
    }

    private enum Standing
    {
        Waiting,
        Running,
        Ok,
        Failed,
        Skipped,
    }

    /// <summary>Shows the story while it is told.</summary>
    public async Task WhileAsync(Func<Task> tell)
    {
        if (!_isLive)
        {
            await tell();
            return;
        }

        await _console.Live(Render()).AutoClear(true).StartAsync(async live =>
        {
            var telling = tell();
            while (!telling.IsCompleted)
            {
                live.UpdateTarget(Render());
                await Task.WhenAny(telling, Task.Delay(Refresh));
            }

            await telling;
        });
    }

    public void Begin(int step) => Change(step, row =>
    {
        (row.Standing, row.Started) = (Standing.Running, Stopwatch.GetTimestamp());
        Line($"{step + 1}. {row.Title}");
    });

    public void Note(int step, string text) => Change(step, row =>
    {
        row.Figures = text;
        Line($"   {text}");
    });

    /// <summary>Shown on a terminal only: a log has no use for it.</summary>
    public void Progress(int step, string text) => Change(step, row => row.Figures = text);

    public void End(int step, string figures) => Change(step, row =>
    {
        (row.Standing, row.Figures, row.Took) = (Standing.Ok, figures, Stopwatch.GetElapsedTime(row.Started));
        Line($"   ok: {figures}");
    });

    /// <summary>What comes after a failure is not told.</summary>
    public void Fail(int step, string why)
    {
        Change(step, row =>
        {
            (row.Standing, row.Figures, row.Took) = (Standing.Failed, why, Stopwatch.GetElapsedTime(row.Started));
            Line($"   FAILED: {why}");
        });
        for (var later = step + 1; later < _rows.Count; later++)
        {
            Change(later, row => row.Standing = Standing.Skipped);
        }
    }

    public void Conclude()
    {
        _console.Write(Render());
        var failed = _rows.Count(r => r.Standing is not Standing.Ok);
        Console.WriteLine(failed == 0
            ? $"All {_rows.Count} steps went as stated, in {Stopwatch.GetElapsedTime(_started).TotalSeconds:F0} s."
            : $"{failed} of {_rows.Count} steps did not go as stated.");
        if (failed == 0)
        {
            Console.WriteLine("Next: ./run serves a control plane of your own and prints how to talk to it; README.md goes on from there.");
        }
    }

    private void Change(int step, Action<Row> change)
    {
        lock (_lock)
        {
            change(_rows[step]);
        }
    }

    private void Line(string text)
    {
        if (!_isLive)
        {
            Console.WriteLine($"{Stopwatch.GetElapsedTime(_started).TotalSeconds,6:F1} s  {text}");
        }
    }

    private Table Render()
    {
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        table.AddColumn(new TableColumn("").RightAligned());
        table.AddColumn("step");
        table.AddColumn("figures");
        table.AddColumn(new TableColumn("took").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("").NoWrap());
        lock (_lock)
        {
            for (var i = 0; i < _rows.Count; i++)
            {
                var row = _rows[i];
                var took = row.Standing == Standing.Running ? Stopwatch.GetElapsedTime(row.Started) : row.Took;
                table.AddRow(
                    new Text($"{i + 1}"), new Text(row.Title), new Text(row.Figures),
                    new Text(took is { } t ? $"{t.TotalSeconds:F1} s" : ""), Word(row.Standing));
            }
        }

        return table;
    }

    private static IRenderable Word(Standing standing) => standing switch
    {
        Standing.Ok => new Markup("[green]ok[/]"),
        Standing.Failed => new Markup("[red]FAILED[/]"),
        Standing.Running => new Markup("[yellow]…[/]"),
        Standing.Skipped => new Markup("[grey]not told[/]"),
        Standing.Waiting => new Text(""),
        _ => throw new UnreachableException(),
    };

    private sealed class Row(string title)
    {
        public string Title { get; } = title;

        public Standing Standing { get; set; }

        public string Figures { get; set; } = "";

        public long Started { get; set; }

        public TimeSpan? Took { get; set; }
    }
}
