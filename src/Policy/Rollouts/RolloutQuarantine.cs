using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>Which bundles a fleet is not offered again after an event: what a rollout brought and was taken back, and what a fast-track leaves.</summary>
public static class RolloutQuarantine
{
    /// <summary>The bundles; none for most events.</summary>
    /// <param name="before">The state it happened to; null for a start.</param>
    /// <param name="after">The state after it.</param>
    /// <param name="e">The event.</param>
    /// <param name="current">The directive that it found.</param>
    public static ImmutableArray<QuarantinedBundle> Describe(RolloutState? before, RolloutState after, RolloutEvent e, Directive? current)
    {
        ArgumentNullException.ThrowIfNull(after);
        ArgumentNullException.ThrowIfNull(e);
        return e switch
        {
            RolloutEvent.RolledBack back => [Bundle(after.Target, back.By.Subject)],
            RolloutEvent.Superseded superseded when before?.Phase != RolloutPhase.RolledBack => [Bundle(after.Target, superseded.By.Subject)],
            RolloutEvent.Started { State.Kind: RolloutKind.FastTrack } =>
            [
                .. new[] { current?.Target, current?.Fallback }.OfType<string>().Distinct(StringComparer.Ordinal)
                    .Where(hash => hash != after.Target).Select(hash => Bundle(hash, after.Author.Subject)),
            ],
            _ => [],
        };

        QuarantinedBundle Bundle(string policyHash, string by) => new(after.Fleet, policyHash, after.RolloutId, after.Why.Sentence, by, e.At);
    }
}
