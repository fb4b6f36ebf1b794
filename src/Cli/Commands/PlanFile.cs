using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Cli.Commands;

/// <summary>A plan's file: it holds the plan, or an object with it under <c>rollout_wedge</c>.</summary>
internal sealed class PlanFile
{
    private const string Sent = "$.rollout_wedge";

    private readonly byte[] _text;
    private readonly bool _isWrapped;

    private PlanFile(string name, byte[] text, JsonElement json)
    {
        (Name, _text) = (name, text);
        _isWrapped = json.ValueKind == JsonValueKind.Object && json.TryGetProperty("rollout_wedge", out _);
        Plan = _isWrapped ? json.GetProperty("rollout_wedge") : json;
    }

    /// <summary>The file's name; <c>-</c> is standard input.</summary>
    public string Name { get; }

    /// <summary>The plan.</summary>
    public JsonElement Plan { get; }

    public static async Task<PlanFile> ReadAsync(string path, CliHost host, CancellationToken cancellationToken)
    {
        var text = await CliFiles.ReadAsync(path, host, cancellationToken);
        return new PlanFile(path, text, CliFiles.ParseJson<JsonElement>(path, text));
    }

    /// <summary>Where in the file a problem is, as <c>line:column</c>: the control plane names places in what was sent to it.</summary>
    public string? PlaceOf(Problem problem)
    {
        var path = !_isWrapped && problem.Path.StartsWith(Sent, StringComparison.Ordinal) ? "$" + problem.Path[Sent.Length..] : problem.Path;
        return JsonTextPosition.Find(_text, path) is var (line, column) ? $"{line}:{column}" : null;
    }
}
