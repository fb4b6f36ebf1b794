using System.Text.Json;
using OrleansPolicy.Client;
using Spectre.Console;

namespace OrleansPolicy.Cli;

/// <summary>Where a command's words go: text and tables for people, or one JSON document for programs.</summary>
internal sealed class CliOutput
{
    /// <summary>A table in a file or a pipe is not broken to fit a screen that is not there.</summary>
    private const int WidthWithoutTerminal = 200;

    private readonly CliHost _host;
    private readonly IAnsiConsole _console;

    public CliOutput(CliHost host, bool json)
    {
        _host = host;
        IsJson = json;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(host.Out),
            Ansi = host.IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = host.IsTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = host.IsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!host.IsTerminal)
        {
            _console.Profile.Width = WidthWithoutTerminal;
        }
    }

    public bool IsJson { get; }

    public bool IsTerminal => _host.IsTerminal;

    public IAnsiConsole Console => _console;

    /// <summary>The answer: JSON where asked for, else what <paramref name="text"/> writes.</summary>
    public void Answer<T>(T value, Action<CliOutput> text)
    {
        if (IsJson)
        {
            Json(value);
        }
        else
        {
            text(this);
        }
    }

    public void Json<T>(T value) => _host.Out.WriteLine(JsonSerializer.Serialize(value, PolicyJson.Options));

    /// <summary>A line as it is.</summary>
    public void Line(string text) => _host.Out.WriteLine(text);

    /// <summary>A line in colours, where the terminal has them. It is not broken where there is no terminal.</summary>
    public void Line(params ReadOnlySpan<(string Text, Color? Color)> spans)
    {
        if (!IsTerminal)
        {
            foreach (var (text, _) in spans)
            {
                _host.Out.Write(text);
            }

            _host.Out.WriteLine();
            return;
        }

        var line = new Paragraph();
        foreach (var (text, color) in spans)
        {
            line.Append(text, color is { } c ? new Style(c) : null);
        }

        _console.Write(line);
        _console.WriteLine();
    }

    public void Table(Table table) => _console.Write(table.Border(TableBorder.Rounded).BorderColor(Color.Grey));

    /// <summary>Pairs of a name and a value, aligned.</summary>
    public void Facts(params (string Name, string? Value)[] facts)
    {
        var width = facts.Max(f => f.Name.Length);
        foreach (var (name, value) in facts.Where(f => f.Value is not null))
        {
            Line($"{name.PadRight(width)}  {value}");
        }
    }

    /// <summary>What is wrong, or likely not meant: one line each, with its place.</summary>
    public void Problems(IReadOnlyCollection<Problem> problems, string title = "errors")
    {
        if (problems.Count == 0)
        {
            return;
        }

        var table = Show.Table(title, "path", "code");
        foreach (var problem in problems)
        {
            table.Row(problem.Message, problem.Path, problem.Code);
        }

        Table(table);
    }

    public void Why(WhyAnswer why) => Facts(
        ("state", why.State), ("code", why.Code), ("why", why.Sentence), ("criterion", why.Criterion),
        ("measured", why.Measured is { } measured ? Show.Number(measured) : null), ("limit", why.Limit is { } limit ? Show.Number(limit) : null),
        ("since", why.Since is { } since ? Show.Time(since) : null), ("until", why.Until is { } until ? Show.Time(until) : null), ("next", why.Next));

    public void Error(string code, string message, IReadOnlyList<Problem>? problems = null, TimeSpan? retryAfter = null)
    {
        if (IsJson)
        {
            _host.Error.WriteLine(JsonSerializer.Serialize(
                new { Error = new { Code = code, Message = message, Errors = problems ?? [], RetryAfterSec = retryAfter?.TotalSeconds } },
                PolicyJson.Options));
            return;
        }

        _host.Error.WriteLine($"policyctl: {message} [{code}]");
        foreach (var problem in problems ?? [])
        {
            // What the first line said already needs only its place.
            _host.Error.WriteLine(problem.Message == message ? $"  at {problem.Path}" : $"  {problem.Path}: {problem.Message} [{problem.Code}]");
        }

        if (retryAfter is { } wait)
        {
            _host.Error.WriteLine($"  Come back in {Math.Ceiling(wait.TotalSeconds)} s, or add --wait.");
        }
    }

    /// <summary>Says on standard error what goes on, so that standard output stays the answer.</summary>
    public void Note(string text)
    {
        if (!IsJson)
        {
            _host.Error.WriteLine(text);
        }
    }

    public int Fail(PolicyApiException e)
    {
        Error(e.Code, e.Message, e.Problems, e.RetryAfter);
        return e.Status == 429 ? ExitCodes.NotNow : ExitCodes.Refused;
    }
}
