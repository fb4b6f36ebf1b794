using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Demo;

/// <summary>The stages of a completed rollout as the audit tells them: which, and how long each was stayed in.</summary>
internal sealed class ToldStages
{
    private readonly IReadOnlyList<Stay> _stays;
    private readonly double _hourSeconds;

    private ToldStages(IReadOnlyList<Stay> stays, double hourSeconds)
    {
        _stays = stays;
        _hourSeconds = hourSeconds;
    }

    public static async Task<ToldStages> ReadAsync(DemoWorld world, string rolloutId, CancellationToken cancellationToken)
    {
        var entries = new List<AuditDraft>();
        await foreach (var entry in world.Admin.ExportAuditAsync(cancellationToken: cancellationToken))
        {
            if (entry.Draft.Subject.EndsWith("/rollouts/" + rolloutId, StringComparison.Ordinal))
            {
                entries.Add(entry.Draft);
            }
        }

        DemoFailureException.Unless(
            entries is [{ Action: "rollout.started" }, .., { Action: "rollout.completed" }]
                && entries.Skip(1).SkipLast(1).All(e => e.Action == "rollout.advanced"),
            $"The audit tells of {string.Join(", ", entries.Select(e => e.Action))}.");
        return new ToldStages(
            [.. entries.Zip(entries.Skip(1), (entered, left) => new Stay(entered.StageId!, left.At - entered.At))], entries[0].HourSeconds ?? 0);
    }

    /// <summary>States that every stage of the plan was entered once, in order, and stayed in for its time and all of its window.</summary>
    /// <param name="planFile">The plan.</param>
    /// <param name="interrupted">The stage in which nobody was there for a while.</param>
    /// <param name="nobodyThere">How long at least: it counts for nothing.</param>
    public void MustFollow(string planFile, int interrupted, TimeSpan nobodyThere)
    {
        var plan = JsonElement.Parse(File.ReadAllText(planFile)).GetProperty("rollout_wedge");
        var stages = plan.GetProperty("wedge_stages").EnumerateArray().ToArray();
        var planned = stages.Select(s => s.GetProperty("stage_id").GetString()).ToArray();
        DemoFailureException.Unless(
            planned.SequenceEqual(_stays.Select(s => s.StageId)), $"The plan is {string.Join(", ", planned)}; the audit tells of {this}.");
        var window = plan.GetProperty("observation_window_hours").GetDouble();
        for (var i = 0; i < stages.Length; i++)
        {
            var needed = TimeSpan.FromSeconds(_hourSeconds * Math.Max(window, stages[i].GetProperty("duration_hours").GetDouble()))
                + (i == interrupted ? nobodyThere : TimeSpan.Zero);
            DemoFailureException.Unless(
                _stays[i].Time >= needed, $"Stage {planned[i]} was left after {_stays[i].Time.TotalSeconds:F2} s; {needed.TotalSeconds:F2} s were due.");
        }
    }

    public override string ToString() => string.Join(
        ", ", _stays.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.StageId} {s.Time.TotalSeconds:F1} s")));

    private sealed record Stay(string StageId, TimeSpan Time);
}
