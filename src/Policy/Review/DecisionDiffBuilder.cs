using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>Gathers differences one request at a time: what it holds grows with the kinds of differences, not with the requests.</summary>
public sealed class DecisionDiffBuilder
{
    private const string ErrorPrefix = "evaluation-error: ";

    private readonly Dictionary<Key, DecisionChange> changes = [];
    private long compared;

    /// <summary>Adds a request that was decided twice.</summary>
    public void Add(ReviewRequest request, Decision before, Decision after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        compared++;
        if (DecisionChange.Between(before, after) is not { } kind)
        {
            return;
        }

        var (from, to) = (DecisionChange.EffectOf(before), DecisionChange.EffectOf(after));
        var key = new Key(from, to, before.RuleId, after.RuleId, IsError(before), IsError(after));
        changes[key] = changes.TryGetValue(key, out var known)
            ? known with { Count = known.Count + 1 }
            : new DecisionChange(kind, from, to, before.RuleId, after.RuleId, 1, request, before, after);
    }

    /// <summary>What was gathered so far.</summary>
    public DecisionDiff ToDiff()
    {
        var only = changes.Values.Where(c => c.Kind == DecisionChangeKind.AnswerOnly).Sum(c => c.Count);
        return new DecisionDiff(
            compared, changes.Values.Sum(c => c.Count) - only, only,
            [.. changes.Values.OrderBy(c => c.Kind).ThenByDescending(c => c.Count).ThenBy(c => c.ToRule, StringComparer.Ordinal).ThenBy(c => c.FromRule, StringComparer.Ordinal)]);
    }

    // A decision from a log says so in its reason alone.
    private static bool IsError(Decision decision) => decision.Reason.StartsWith(ErrorPrefix, StringComparison.Ordinal);

    private sealed record Key(RuleEffect From, RuleEffect To, string? FromRule, string? ToRule, bool FromError, bool ToError);
}
