using System.Collections.Immutable;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Waves;

/// <summary>What a wave must look like, and which refusals it waits out.</summary>
public static class WaveRules
{
    /// <summary>There is no such wave.</summary>
    public const string UnknownCode = "wave.unknown";

    /// <summary>The state does not allow it; the message names the state.</summary>
    public const string StateCode = "wave.state";

    /// <summary>There is no fleet, or a step without one.</summary>
    public const string EmptyCode = "wave.empty";

    /// <summary>There are more than <see cref="Wave.FleetsMax"/> fleets.</summary>
    public const string TooManyCode = "wave.too_many_fleets";

    /// <summary>A fleet stands in it twice.</summary>
    public const string TwiceCode = "wave.fleet_twice";

    /// <summary>Something is said of a fleet that is not in it, or twice of one that is.</summary>
    public const string OverrideCode = "wave.override";

    /// <summary>Another wave that is not over has one of the fleets.</summary>
    public const string OverlapsCode = "wave.overlaps";

    // What goes by itself or by somebody's word about something else. The rollout itself is not at fault.
    private static readonly ImmutableHashSet<string> Passing =
    [
        "admission.refused", "admission.queue_full", RolloutReasons.LineStopped, RolloutReasons.FreezeWindow, RolloutReasons.FreezeOutside,
        RolloutProblems.TenantCap, RolloutProblems.State, StateCode, "store.conflict", "store.unavailable",
    ];

    /// <summary>Whether a refusal passes: the wave waits and asks again, where any other one halts it.</summary>
    public static bool Passes(string code) => Passing.Contains(code);

    /// <summary>
    /// Whether a fleet that refuses its way back for this stays where it is: there is nothing to take back, or nowhere to go. For any other
    /// refusal it is asked again until it goes.
    /// </summary>
    public static bool Stays(string code) =>
        code is RolloutProblems.MovedOn or RolloutProblems.NeverComplete or RolloutProblems.Quarantined or RolloutProblems.AlreadyRunning
        || code.StartsWith("bundle.", StringComparison.Ordinal);

    /// <summary>Everything that is wrong with a wave's fleets by themselves.</summary>
    public static ImmutableArray<Problem> Check(ImmutableArray<ImmutableArray<string>> fleets, ImmutableArray<WaveOverride> overrides)
    {
        var problems = ImmutableArray.CreateBuilder<Problem>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        if (fleets.IsDefaultOrEmpty)
        {
            problems.Add(new Problem(EmptyCode, "Name the fleets, by step: [[\"eu-1\"], [\"eu-2\", \"us-1\"]].", "$.fleets"));
            fleets = [];
        }

        for (var step = 0; step < fleets.Length; step++)
        {
            if (fleets[step].IsDefaultOrEmpty)
            {
                problems.Add(new Problem(EmptyCode, $"Step {step + 1} has no fleet.", $"$.fleets[{step}]"));
                continue;
            }

            for (var place = 0; place < fleets[step].Length; place++)
            {
                var (fleet, path) = (fleets[step][place], PathOf(step, place));
                if (Names.Check(fleet, "A fleet's name", path) is { } problem)
                {
                    problems.Add(problem);
                }
                else if (!known.Add(fleet))
                {
                    problems.Add(new Problem(TwiceCode, $"The fleet '{fleet}' stands in it twice.", path));
                }
            }
        }

        if (known.Count > Wave.FleetsMax)
        {
            problems.Add(new Problem(TooManyCode, $"A wave has at most {Wave.FleetsMax} fleets, this one {known.Count}.", "$.fleets"));
        }

        for (var i = 0; i < overrides.Length; i++)
        {
            if (!known.Remove(overrides[i].Fleet))
            {
                problems.Add(new Problem(OverrideCode, $"'{overrides[i].Fleet}' is no fleet of the wave, or is overridden twice.", $"$.overrides[{i}].fleet"));
            }
        }

        return problems.ToImmutable();
    }

    /// <summary>The fleets that another wave has, where that is not over.</summary>
    public static IEnumerable<Problem> Overlaps(ImmutableArray<ImmutableArray<string>> fleets, Wave other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var others = other.State is WavePhase.Active or WavePhase.Halted ? other.Places().Select(place => place.Fleet).ToHashSet(StringComparer.Ordinal) : [];
        return fleets.SelectMany((step, i) => step.Select((fleet, j) => (fleet, Path: PathOf(i, j))))
            .Where(place => others.Contains(place.fleet))
            .Select(place => new Problem(
                OverlapsCode, $"The fleet '{place.fleet}' is in wave {other.WaveId}, which is {WaveDecider.NameOf(other.State)}.", place.Path));
    }

    /// <summary>Where a fleet stands in the request.</summary>
    public static string PathOf(int step, int place) => $"$.fleets[{step}][{place}]";
}
