using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Waves;

/// <summary>What the audit says of a wave's changes: one entry each. What happens to its rollouts stands in theirs.</summary>
public static class WaveAudit
{
    /// <summary>The entry of a change.</summary>
    /// <param name="before">The wave before it; null for a start.</param>
    /// <param name="after">The wave after it.</param>
    /// <param name="at">When.</param>
    public static AuditDraft Describe(Wave? before, Wave after, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(after);
        var detail = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        detail["state"] = WaveDecider.NameOf(after.State);
        detail["step"] = $"{(after.Step + 1).ToString(CultureInfo.InvariantCulture)}/{after.Fleets.Length.ToString(CultureInfo.InvariantCulture)}";
        detail["fleets"] = string.Join(' ', after.Fleets[after.Step]);
        detail["target"] = after.Target;
        detail["why"] = after.Why.Code;
        if (!after.NotReturned.IsEmpty)
        {
            detail["not_returned"] = string.Join(' ', after.NotReturned.Select(one => $"{one.Fleet}:{one.Code}"));
        }

        return new AuditDraft
        {
            At = at,
            Actor = after.ChangedBy.Subject,
            Interface = after.ChangedBy.Interface,
            Action = ActionOf(before, after),
            Subject = $"waves/{after.WaveId}",
            Reason = before is null ? after.Reason : after.Why.Sentence,
            Detail = detail.ToImmutable(),
        };
    }

    private static string ActionOf(Wave? before, Wave after) => (before?.State, after.State) switch
    {
        (null, _) => "wave.started",
        (WavePhase.Active, WavePhase.Active) => "wave.advanced",
        (_, WavePhase.Active) => "wave.resumed",
        (_, WavePhase.Halted) => "wave.halted",
        (_, WavePhase.Complete) => "wave.completed",
        (WavePhase.RolledBack, WavePhase.RolledBack) => "wave.returned",
        (_, WavePhase.RolledBack) => "wave.rolled_back",
        _ => "wave.ended",
    };
}
