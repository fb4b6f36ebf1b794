using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Review;

namespace OrleansPolicy.Rollouts;

/// <summary>Whether a rollout may start by what its bundle would have decided: the fleet's recorded decisions, made again under it.</summary>
public static class BacktestGate
{
    /// <summary>Too few recorded decisions could be made again: they show nothing.</summary>
    public const string TooFewCode = "backtest.too_few_records";

    /// <summary>More decisions come out differently than the plan allows.</summary>
    public const string ChangedCode = "backtest.changed";

    /// <summary>One way in which they differ; they follow the first problem, the most dangerous first.</summary>
    public const string DiffersCode = "backtest.differs";

    /// <summary>The most recorded decisions that are made again: the newest.</summary>
    public const int RecordsMax = 10_000;

    /// <summary>How many ways to differ are named.</summary>
    public const int DifferencesMax = 20;

    private const string Path = "$.backtest";

    /// <summary>How many records a plan demands to be made again; null: it demands no replay.</summary>
    public static int? RecordsWanted(RolloutPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return plan.Backtest is not { } backtest ? null
            : backtest.MinRecords ?? (plan.Shadow ? null : Math.Min(plan.MinSamples, RecordsMax));
    }

    /// <summary>Nothing where the rollout may start, else why not.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="replay">What came of the records that the bundle in force decided.</param>
    public static ImmutableArray<Problem> Check(RolloutPlan plan, ReplayReport replay)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(replay);
        if (RecordsWanted(plan) is not { } wanted || plan.Backtest is not { } backtest)
        {
            return [];
        }

        var diff = replay.Diff;
        if (diff.Compared < wanted)
        {
            return
            [
                new Problem(
                    TooFewCode,
                    $"{diff.Compared} of the fleet's newest {replay.Records} recorded decisions were made by the bundle in force and can be made again; {wanted} are needed.", Path),
            ];
        }

        var limit = backtest.LimitOf(diff.Compared);
        return diff.Changed <= limit
            ? []
            :
            [
                new Problem(
                    ChangedCode,
                    $"{diff.Changed} of {diff.Compared} recorded decisions come out differently ({Percent(diff.ChangedPercentage)} %); the plan allows {Judge.Text(limit)}.", Path),
                .. diff.Changes.Where(change => change.Kind != DecisionChangeKind.AnswerOnly).Take(DifferencesMax).Select(change => new Problem(
                    DiffersCode, $"{change.Count} times {Word(change.Kind)}: {Rule(change.FromRule)} in force, {Rule(change.ToRule)} in the new bundle.", Path)),
            ];
    }

    private static string Word(DecisionChangeKind kind) => JsonSerializer.SerializeToElement(kind, PolicyJson.Options).GetString()!;

    private static string Rule(string? rule) => rule is null ? "no rule" : $"rule {rule}";

    private static string Percent(decimal percentage) => percentage.ToString("0.##", CultureInfo.InvariantCulture);
}
