using System.Collections.Immutable;

namespace OrleansPolicy.Admission;

/// <summary>
/// Admits an update where every limit that applies to it does, and takes from all of them or from none. Pure, like
/// <see cref="UpdateLimiter"/>, which each single limit is.
/// </summary>
public static class AdmissionLimiter
{
    /// <summary>
    /// How many fleets and operators can be short of tokens at once. Beyond it none that is not among them is admitted until one of them
    /// is idle again, so that the stored state has a bound.
    /// </summary>
    public const int BusyScopesMax = 2_000;

    /// <summary>Takes what the update costs from each limit that applies. A refusal changes nothing but the time seen.</summary>
    public static (AdmissionAnswer Answer, AdmissionState State) Take(AdmissionState state, UpdateLimits limits, AdmissionDemand demand, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(limits);
        var cost = limits.CostOf(demand.Operation);
        var seen = state with { SeenAt = UpdateLimiter.TimeSeen(state.SeenAt, now) };
        var asked = limits.For(demand).Select(gate =>
        {
            var (answer, after) = UpdateLimiter.Take(seen.Of(gate.Scope), gate.Limit, now, cost);
            return (gate.Scope, Answer: answer with { Scope = gate.Scope }, After: after);
        }).ToImmutableArray();
        if (Binding(asked.Where(gate => !gate.Answer.Allowed)) is { } refused)
        {
            return (refused, seen);
        }

        var taken = Prune(seen, limits);
        foreach (var (scope, _, after) in asked)
        {
            taken = scope == UpdateLimits.TenantScope
                ? taken with { FullAt = after.FullAt, LastAdmittedAt = after.LastAdmittedAt }
                : taken with { Scopes = (taken.Scopes ?? ImmutableSortedDictionary.Create<string, LimiterState>(StringComparer.Ordinal)).SetItem(scope, after) };
        }

        return taken.Scopes is { Count: > BusyScopesMax } ? (Crowded(asked[0].Answer), seen) : (Binding(asked)!, taken);
    }

    /// <summary>What <see cref="Take"/> would say, taking nothing: <see cref="AdmissionAnswer.Tokens"/> are those there now.</summary>
    public static AdmissionAnswer Peek(AdmissionState state, UpdateLimits limits, AdmissionDemand demand, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(limits);
        var seen = state with { SeenAt = UpdateLimiter.TimeSeen(state.SeenAt, now) };
        var cost = limits.CostOf(demand.Operation);
        var asked = limits.For(demand)
            .Select(gate => (gate.Scope, Answer: UpdateLimiter.Peek(seen.Of(gate.Scope), gate.Limit, now, cost) with { Scope = gate.Scope }, After: seen.Of(gate.Scope)))
            .ToImmutableArray();
        return Binding(asked)!;
    }

    /// <summary>
    /// What one who comes after others would be told: each of those takes its turn as soon as the limits let it, and then it is the
    /// last one's turn. Nothing is taken.
    /// </summary>
    public static AdmissionAnswer PeekAfter(
        AdmissionState state, UpdateLimits limits, IEnumerable<AdmissionDemand> ahead, AdmissionDemand demand, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(ahead);
        var (then, isFirst) = (now, true);
        foreach (var before in ahead)
        {
            then += Wait(Peek(state, limits, before, then));
            (_, state) = Take(state, limits, before, then);
            isFirst = false;
        }

        var answer = Peek(state, limits, demand, then);
        return isFirst
            ? answer
            : answer with { Allowed = false, TimeUntilNextSec = UpdateLimiter.SecondsNotBelow(then - now + Wait(answer)), LimitedBy = AdmissionAnswer.ByQueue };
    }

    /// <summary>
    /// The state under new limits: the tokens that are there stay there, as far as the new buckets hold them. A limit that is taken away
    /// leaves what it had been short of behind, so that setting it again mints nothing; of that no more counts than an empty bucket is
    /// short of.
    /// </summary>
    public static AdmissionState Reconfigure(AdmissionState state, UpdateLimits old, UpdateLimits @new, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(old);
        ArgumentNullException.ThrowIfNull(@new);
        var tenant = UpdateLimiter.Reconfigure(state.Of(UpdateLimits.TenantScope), old.Tenant, @new.Tenant, now);
        return state with
        {
            FullAt = tenant.FullAt,
            SeenAt = UpdateLimiter.TimeSeen(state.SeenAt, now),
            Scopes = state.Scopes?.ToImmutableSortedDictionary(
                busy => busy.Key,
                busy => (old.Of(busy.Key), @new.Of(busy.Key)) switch
                {
                    ({ } before, { } after) => UpdateLimiter.Reconfigure(state.Of(busy.Key), before, after, now),
                    (null, { } after) => UpdateLimiter.SetAgain(state.Of(busy.Key), after, now),
                    _ => busy.Value,
                },
                StringComparer.Ordinal),
        };
    }

    /// <summary>How long to wait before the same request is admitted.</summary>
    public static TimeSpan Wait(AdmissionAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        return answer.LimitedBy is null ? TimeSpan.Zero : TimeSpan.FromSeconds(answer.TimeUntilNextSec);
    }

    // The longest wait of all; of equal ones the first, which is the tenant's.
    private static AdmissionAnswer? Binding(IEnumerable<(string Scope, AdmissionAnswer Answer, LimiterState After)> asked) =>
        asked.Select(gate => gate.Answer).MaxBy(answer => answer.TimeUntilNextSec);

    private static AdmissionAnswer Crowded(AdmissionAnswer tenant) =>
        tenant with { Allowed = false, TimeUntilNextSec = Math.Max(1, tenant.TimeUntilNextSec), LimitedBy = AdmissionAnswer.ByUpdates };

    private static AdmissionState Prune(AdmissionState state, UpdateLimits limits)
    {
        var idle = state.Scopes?.Where(busy => UpdateLimiter.IsIdle(busy.Value, limits.Of(busy.Key), state.SeenAt)).Select(busy => busy.Key).ToArray() ?? [];
        return idle.Length == 0 ? state : state with { Scopes = state.Scopes!.RemoveRange(idle) is { Count: > 0 } left ? left : null };
    }
}
