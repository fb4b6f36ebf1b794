using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace OrleansPolicy.Rollouts;

/// <summary>
/// Reads a <c>rollout_wedge</c>: the plan, or everything that is wrong with it. What it demands is the union of the wedge policy and of
/// both validators that existed for it. JSON of any types is answered; nothing throws.
/// </summary>
public static class PlanReader
{
    /// <summary>The most stages of a plan.</summary>
    public const int StagesMax = 100;

    /// <summary>The most contract hours of a window or a duration: a year.</summary>
    public const double HoursMax = 8_760;

    /// <summary>After so many problems further unknown and repeated fields are no longer listed.</summary>
    public const int ProblemsMax = 1_000;

    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.Ordinal,
        "wedge_stages", "generate", "initial_percentage", "increment_policy", "max_blast_radius", "observation_window_hours", "wedge_state",
        "advance_early", "on_inconclusive", "on_fail", "on_disarm", "rollback_deadline_sec", "nack_budget", "min_samples", "freshness_sec",
        "min_acked_percentage", "caps", "shadow", "backtest");

    private static readonly FrozenSet<string> KnownGenerate = FrozenSet.Create(
        StringComparer.Ordinal, "stages", "first_percentage", "last_percentage", "duration_hours", "success_criteria", "rollback_trigger");

    private static readonly FrozenSet<string> KnownCaps = FrozenSet.Create(StringComparer.Ordinal, "per_domain", "max_nodes");
    private static readonly FrozenSet<string> KnownBacktest = FrozenSet.Create(StringComparer.Ordinal, "max_changed_decisions", "min_records");

    /// <summary>
    /// Reads a plan: the <c>rollout_wedge</c> object itself, or an object that has it under <c>rollout_wedge</c>, directly or within a
    /// <c>change_summary</c> or <c>change_proposal</c>.
    /// </summary>
    public static PlanReading Read(JsonElement plan, PlanContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        try
        {
            return ReadText(plan, context);
        }
        catch (InvalidOperationException)
        {
            // Names are unescaped only when they are asked for; values are asked for with care.
            return new PlanReading(
                null, [new Problem(PlanProblems.Unreadable, "A name in the plan has half a surrogate pair or bytes that are no UTF-8.", context.Path)], [], 0, null, []);
        }
    }

    private static PlanReading ReadText(JsonElement plan, PlanContext context)
    {
        var errors = ImmutableArray.CreateBuilder<Problem>();
        var warnings = ImmutableArray.CreateBuilder<Problem>();
        var (wedge, path) = Unwrap(plan, context.Path, warnings);
        if (wedge.ValueKind != JsonValueKind.Object)
        {
            errors.Add(wedge.ValueKind == JsonValueKind.Undefined
                ? new Problem(PlanProblems.Missing, "There is no rollout_wedge.", path)
                : new Problem(PlanProblems.NotAnObject, "rollout_wedge must be an object.", path));
            return new PlanReading(null, errors.ToImmutable(), warnings.ToImmutable(), 0, null, []);
        }

        var fields = new PlanObject(wedge, path, Known, errors, warnings);
        var reader = new PlanStageReader(errors, warnings, context.Waived, context.Queries);
        var generates = fields.Optional("generate") is not null;
        var stages = !generates && fields.Required("wedge_stages") is { } list ? reader.Read(list, fields.At("wedge_stages")) : [];
        var draft = ReadFields(fields, errors, warnings);
        stages = generates ? Generate(fields, reader, draft, errors, warnings) : stages;
        draft = draft with { Stages = [.. stages.Select(stage => stage.ToStage()).OfType<PlanStage>()] };
        CheckWedgeState(fields, context.ForStart);
        CheckShadow(draft, fields, errors);
        PlanRules.Check(fields, draft, stages, context.Critical, warnings);
        var caps = CapRules.Of(draft, context.Restraints);
        if (errors.Count == 0 && context.Census is { } units)
        {
            var paths = stages.Select(stage => stage.TargetPath).ToImmutableArray();
            errors.AddRange(PlanFleetRules.Check(draft, caps, units, path, paths));
            warnings.AddRange(PlanFleetRules.Warn(draft, caps, units, path, paths));
        }

        return new PlanReading(
            errors.Count == 0 ? draft : null, errors.ToImmutable(), warnings.ToImmutable(),
            generates ? stages.Sum(stage => stage.DurationHours + draft.ObservationWindowHours) ?? 0 : PlannedHours(wedge),
            stages.FirstOrDefault()?.Target > draft.InitialPercentage && draft is { InitialPercentage: > 0, ObservationWindowHours: > 0 }
                ? draft.ObservationWindowHours
                : null,
            [.. stages.Select(stage => new StageSize(
                stage.StageId, stage.Target, NodesOf(stage.Target, caps, context.Census), stage.DurationHours))])
        {
            ShadowWindowHours = draft is { Shadow: true, ObservationWindowHours: > 0 } ? draft.ObservationWindowHours : null,
        };
    }

    /// <summary>
    /// Contract hours that a plan takes when nothing holds it: the sum of all durations, and one observation window for each stage. What is
    /// no number counts nothing, so that a plan with errors has planned hours too.
    /// </summary>
    public static double PlannedHours(JsonElement wedge)
    {
        if (wedge.ValueKind != JsonValueKind.Object)
        {
            return 0;
        }

        var window = wedge.TryGetProperty("observation_window_hours", out var hours) ? PlanObject.Double(hours) ?? 0 : 0;
        if (!wedge.TryGetProperty("wedge_stages", out var stages) || stages.ValueKind != JsonValueKind.Array)
        {
            return 0;
        }

        var total = window * stages.GetArrayLength();
        foreach (var stage in stages.EnumerateArray())
        {
            if (stage.ValueKind == JsonValueKind.Object && stage.TryGetProperty("duration_hours", out var duration))
            {
                total += PlanObject.Double(duration) ?? 0;
            }
        }

        // Durations near the end of the doubles are refused, but their sum must still be a JSON number.
        return double.IsFinite(total) ? total : 0;
    }

    private static (JsonElement Wedge, string Path) Unwrap(JsonElement json, string path, ImmutableArray<Problem>.Builder warnings)
    {
        foreach (var name in (ReadOnlySpan<string>)["change_summary", "change_proposal"])
        {
            if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var outer))
            {
                path = $"{path}.{name}";
                if (name == "change_proposal")
                {
                    warnings.Add(new Problem(PlanProblems.LegacyProposal, "change_proposal is the old name of change_summary.", path));
                }

                return outer.ValueKind == JsonValueKind.Object && outer.TryGetProperty("rollout_wedge", out var inner)
                    ? (inner, path + ".rollout_wedge")
                    : (default, path + ".rollout_wedge");
            }
        }

        return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("rollout_wedge", out var wedge)
            ? (wedge, path + ".rollout_wedge")
            : (json, path);
    }

    private static ImmutableArray<StageDraft> Generate(
        PlanObject fields, PlanStageReader reader, RolloutPlan draft, ImmutableArray<Problem>.Builder errors, ImmutableArray<Problem>.Builder warnings)
    {
        const string field = "generate";
        if (fields.Optional("wedge_stages") is not null)
        {
            fields.Fail(PlanProblems.GenerateWithStages, field, "A plan gives its wedge_stages or has them generated, not both.");
        }

        if (draft.IncrementPolicy == IncrementPolicy.Manual)
        {
            fields.Fail(PlanProblems.GenerateManual, field, "Stages grow by themselves only where increment_policy is linear or exponential.");
            return [];
        }

        return ReadObject(fields, field, KnownGenerate, errors, warnings) is { } generate
            ? reader.Generate(generate, draft.IncrementPolicy, draft.InitialPercentage)
            : [];
    }

    private static RolloutPlan ReadFields(PlanObject fields, ImmutableArray<Problem>.Builder errors, ImmutableArray<Problem>.Builder warnings)
    {
        var defaults = new RolloutPlan
        {
            Stages = [],
            InitialPercentage = fields.Percentage("initial_percentage", PlanProblems.Initial, aboveZero: true) ?? 0,
            IncrementPolicy = fields.Word(
                "increment_policy", IncrementPolicy.Manual, mandatory: true,
                ("linear", IncrementPolicy.Linear), ("exponential", IncrementPolicy.Exponential), ("manual", IncrementPolicy.Manual)),
            MaxBlastRadius = fields.Percentage("max_blast_radius", PlanProblems.Radius, aboveZero: true) ?? 0,
            ObservationWindowHours = fields.Hours("observation_window_hours", PlanProblems.Window, 1, orEqual: true) ?? 0,
        };
        return defaults with
        {
            AdvanceEarly = fields.Flag("advance_early"),
            OnInconclusive = fields.Word(
                "on_inconclusive", OnInconclusive.Hold, mandatory: false,
                ("hold", OnInconclusive.Hold), ("extend", OnInconclusive.Extend), ("rollback", OnInconclusive.Rollback)),
            OnFail = fields.Word(
                "on_fail", OnFail.Hold, mandatory: false, ("hold", OnFail.Hold), ("freeze", OnFail.Freeze), ("rollback", OnFail.Rollback)),
            OnDisarm = fields.Word("on_disarm", OnDisarm.Hold, mandatory: false, ("hold", OnDisarm.Hold), ("rollback", OnDisarm.Rollback)),
            RollbackDeadlineSec = fields.Whole("rollback_deadline_sec", 25, RolloutReturn.DeadlineSecMax) ?? defaults.RollbackDeadlineSec,
            NackBudget = ReadNackBudget(fields),
            MinSamples = fields.Whole("min_samples", 1, 1_000_000_000) ?? defaults.MinSamples,
            FreshnessSec = (double)(fields.Optional("freshness_sec", 0, orEqual: false, 86_400) ?? (decimal)defaults.FreshnessSec),
            MinAckedPercentage = fields.Optional("min_acked_percentage", 0, orEqual: false, 100) ?? defaults.MinAckedPercentage,
            Caps = ReadObject(fields, "caps", KnownCaps, errors, warnings) is { } caps
                ? new PlanCaps(
                    caps.Whole("per_domain", 1, int.MaxValue, PlanProblems.Of("caps.per_domain")),
                    caps.Whole("max_nodes", 1, int.MaxValue, PlanProblems.Of("caps.max_nodes")))
                : null,
            Shadow = fields.Flag("shadow"),
            Backtest = ReadObject(fields, "backtest", KnownBacktest, errors, warnings) is { } backtest ? ReadBacktest(backtest) : null,
        };
    }

    private static PlanObject? ReadObject(
        PlanObject fields, string field, IReadOnlySet<string> known, ImmutableArray<Problem>.Builder errors, ImmutableArray<Problem>.Builder warnings)
    {
        if (fields.Optional(field) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Object)
        {
            return new PlanObject(value, fields.At(field), known, errors, warnings);
        }

        fields.Fail(PlanProblems.Of(field), field, $"{field} must be an object.");
        return null;
    }

    private static PlanBacktest ReadBacktest(PlanObject fields) => ReadLimit(fields) with
    {
        MinRecords = fields.Whole("min_records", 1, BacktestGate.RecordsMax, PlanProblems.Of("backtest.min_records")),
    };

    private static PlanBacktest ReadLimit(PlanObject fields)
    {
        const string field = "max_changed_decisions";
        if (fields.Optional(field) is not { } value)
        {
            return new PlanBacktest(0);
        }

        if (PlanObject.Number(value) is { } decisions and >= 0 and <= 1_000_000_000_000)
        {
            return new PlanBacktest((double)decisions);
        }

        if (PercentageOf(value) is { } percentage)
        {
            return new PlanBacktest(null, percentage);
        }

        fields.Fail(
            PlanProblems.Of("backtest." + field), field, $"{field} must be a number of decisions from 0 to 1000000000000, or a percentage such as \"0.5%\".");
        return new PlanBacktest(0);
    }

    private static decimal? PercentageOf(JsonElement value) =>
        PlanObject.TextOf(value) is { } text && text.EndsWith('%')
        && decimal.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percentage)
        && percentage is >= 0 and <= 100
            ? percentage
            : null;

    private static NackBudget ReadNackBudget(PlanObject fields)
    {
        const string field = "nack_budget";
        if (fields.Optional(field) is not { } value)
        {
            return NackBudget.None;
        }

        if (PlanObject.Number(value) is { } nodes && decimal.IsInteger(nodes) && nodes is >= 0 and <= int.MaxValue)
        {
            return new NackBudget((int)nodes, null);
        }

        if (PercentageOf(value) is { } percentage)
        {
            return new NackBudget(null, percentage);
        }

        fields.Fail(PlanProblems.Of(field), field, "nack_budget must be a number of nodes, or a percentage such as \"2%\".");
        return NackBudget.None;
    }

    private static void CheckWedgeState(PlanObject fields, bool forStart)
    {
        const string field = "wedge_state";
        var json = forStart ? fields.Optional(field) : fields.Required(field);
        if (json is not { } value)
        {
            return;
        }

        var state = PlanObject.TextOf(value);
        if (state is not ("PENDING" or "ACTIVE" or "PAUSED" or "ROLLED_BACK" or "COMPLETE"))
        {
            fields.Fail(PlanProblems.State, field, "wedge_state must be one of: PENDING, ACTIVE, PAUSED, ROLLED_BACK, COMPLETE.");
        }
        else if (forStart && state != "PENDING")
        {
            fields.Fail(PlanProblems.StateNotPending, field, $"A rollout begins PENDING; this plan says {state}.");
        }
    }

    private static void CheckShadow(RolloutPlan plan, PlanObject fields, ImmutableArray<Problem>.Builder errors)
    {
        if (plan.Shadow && plan.Stages.FirstOrDefault(stage => stage.StageId == PlanStage.Shadow.StageId) is { } taken)
        {
            errors.Add(new Problem(
                PlanProblems.StageIdDuplicate, "The stage that shadow adds is called shadow: give this one another stage_id.",
                $"{fields.At("wedge_stages")}[{plan.Stages.IndexOf(taken)}].stage_id"));
        }
    }

    private static int? NodesOf(decimal? target, PlanCaps? caps, ImmutableArray<CensusUnit>? census) =>
        census is { } units && target is { } percentage ? PlanFleetRules.NodesOf(units, percentage, caps) : null;
}
