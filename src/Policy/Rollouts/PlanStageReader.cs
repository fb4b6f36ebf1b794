using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Rollouts;

/// <summary>A stage as far as it could be read: null is what does not fit.</summary>
internal sealed record StageDraft(
    string? StageId, decimal? Target, double? DurationHours, ImmutableArray<string>? Criteria, string? Trigger, string Path)
{
    /// <summary>Where its target stands.</summary>
    public string TargetPath { get; init; } = Path + ".target_percentage";

    public PlanStage? ToStage() => StageId is not null && Target is { } target && DurationHours is { } hours && Criteria is { } criteria && Trigger is not null
        ? new PlanStage(StageId, target, hours, criteria, Trigger)
        : null;
}

/// <summary>Reads <c>wedge_stages</c>.</summary>
internal sealed class PlanStageReader(ImmutableArray<Problem>.Builder errors, ImmutableArray<Problem>.Builder warnings, bool waived, IReadOnlySet<string>? queries)
{
    private const int StageIdMax = 128;
    private const int CriteriaMax = 32;
    private const int QueriesNamedMax = 20;

    private static readonly FrozenSet<string> Known =
        FrozenSet.Create(StringComparer.Ordinal, "stage_id", "target_percentage", "duration_hours", "success_criteria", "rollback_trigger");

    public ImmutableArray<StageDraft> Read(JsonElement json, string path)
    {
        if (json.ValueKind != JsonValueKind.Array)
        {
            errors.Add(new Problem(PlanProblems.Stages, "wedge_stages must be a list of stages.", path));
            return [];
        }

        var count = json.GetArrayLength();
        var least = waived ? 1 : 2;
        if (count < least)
        {
            errors.Add(new Problem(
                PlanProblems.StagesTooFew, $"wedge_stages must have at least {least} stage{(waived ? "" : "s")}; it has {count}.", path));
        }
        else if (count > PlanReader.StagesMax)
        {
            errors.Add(new Problem(PlanProblems.StagesTooMany, $"wedge_stages has {count} stages; {PlanReader.StagesMax} are allowed.", path));
        }

        var drafts = ImmutableArray.CreateBuilder<StageDraft>();
        foreach (var stage in json.EnumerateArray().Take(PlanReader.StagesMax))
        {
            drafts.Add(ReadStage(stage, $"{path}[{drafts.Count}]"));
        }

        CheckIds(drafts);
        CheckTargets(drafts);
        return drafts.ToImmutable();
    }

    /// <summary>Reads <c>generate</c>: as many stages as it asks for, all alike but for their targets.</summary>
    public ImmutableArray<StageDraft> Generate(PlanObject generate, IncrementPolicy policy, decimal initial)
    {
        _ = generate.Required("stages");
        var count = generate.Whole("stages", 2, PlanReader.StagesMax, PlanProblems.Of("generate.stages"));
        var given = generate.Optional("first_percentage", 0, orEqual: true, 100, PlanProblems.Of("generate.first_percentage"));
        var last = generate.Optional("last_percentage", 0, orEqual: false, 100, PlanProblems.Of("generate.last_percentage")) ?? 100;
        var first = given ?? initial;
        var hours = generate.Hours("duration_hours", PlanProblems.Duration, 0, orEqual: false);
        var criteria = ReadCriteria(generate);
        var trigger = ReadTrigger(generate);
        if (count is not { } stages)
        {
            return [];
        }

        if (last <= first)
        {
            generate.Fail(PlanProblems.Of("generate.last_percentage"), "last_percentage", $"{last} % is not above the first stage's {first} %.");
            return [];
        }

        if (policy == IncrementPolicy.Exponential && first == 0)
        {
            generate.Fail(PlanProblems.Of("generate.first_percentage"), "first_percentage", "Nothing grows from 0 % by a factor.");
            return [];
        }

        var firstPath = given is null ? generate.Path : generate.At("first_percentage");
        ImmutableArray<StageDraft> drafts =
        [
            .. PlanGrowth.Targets(policy, stages, first, last).Select((target, i) =>
                new StageDraft($"stage-{i + 1}", target, hours, criteria, trigger, generate.Path)
                {
                    TargetPath = i == 0 ? firstPath : generate.Path,
                }),
        ];
        CheckTargets(drafts);
        return drafts;
    }

    private StageDraft ReadStage(JsonElement json, string path)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            errors.Add(new Problem(PlanProblems.Stage, "A stage must be an object.", path));
            return new StageDraft(null, null, null, null, null, path);
        }

        var stage = new PlanObject(json, path, Known, errors, warnings);
        var id = stage.Text("stage_id", PlanProblems.StageId);
        if (id?.Length > StageIdMax)
        {
            stage.Fail(PlanProblems.StageId, "stage_id", $"stage_id must have at most {StageIdMax} characters.");
            id = null;
        }

        return new StageDraft(
            id,
            stage.Percentage("target_percentage", PlanProblems.Target, aboveZero: false),
            stage.Hours("duration_hours", PlanProblems.Duration, 0, orEqual: false),
            ReadCriteria(stage),
            ReadTrigger(stage),
            path);
    }

    private ImmutableArray<string>? ReadCriteria(PlanObject stage)
    {
        const string field = "success_criteria";
        if (stage.Required(field) is not { } json)
        {
            return null;
        }

        var count = json.ValueKind == JsonValueKind.Array ? json.GetArrayLength() : 0;
        if (count is 0 or > CriteriaMax)
        {
            stage.Fail(PlanProblems.Criteria, field, $"{field} must be a list of 1 to {CriteriaMax} criteria.");
            return null;
        }

        var criteria = ImmutableArray.CreateBuilder<string>();
        var i = 0;
        foreach (var element in json.EnumerateArray())
        {
            var path = $"{stage.At(field)}[{i++}]";
            if (stage.Text(element, PlanProblems.Criterion, path, "A success criterion") is not { } text)
            {
                continue;
            }

            criteria.Add(text);
            var reading = CriterionParser.Parse(text);
            if (!FailsQueries(text, reading, path) && reading.IsManual)
            {
                warnings.Add(new Problem(
                    PlanProblems.CriterionManual,
                    $"'{text}' is for a person to attest: it does not parse at column {reading.Column}. {reading.Error} Until then the verdict is INCONCLUSIVE.",
                    path));
            }
        }

        return criteria.Count == count ? criteria.ToImmutable() : null;
    }

    private string? ReadTrigger(PlanObject stage)
    {
        const string field = "rollback_trigger";
        var trigger = stage.Text(field, PlanProblems.Trigger);
        if (trigger is not null && CriterionParser.Parse(trigger) is var reading && !FailsQueries(trigger, reading, stage.At(field)) && reading.IsManual)
        {
            warnings.Add(new Problem(
                PlanProblems.TriggerManual,
                $"'{trigger}' never fires by itself: it does not parse at column {reading.Column}. {reading.Error}", stage.At(field)));
        }

        return trigger;
    }

    // What names a query is meant for a program: what does not parse is a slip there, and no criterion for a person.
    private bool FailsQueries(string text, CriterionReading reading, string path)
    {
        if (reading.IsManual)
        {
            var isMalformed = MetricQuery.IsNamedIn(text);
            if (isMalformed)
            {
                errors.Add(new Problem(
                    PlanProblems.QueryMalformed, $"'{text}' names a query and does not parse at column {reading.Column}. {reading.Error}", path));
            }

            return isMalformed;
        }

        var unknown = reading.Queries.Where(named => queries?.Contains(named.Name) == false).ToList();
        errors.AddRange(unknown.Select(named => new Problem(
            PlanProblems.QueryUnknown, $"'{text}' names the query '{named.Name}' at column {named.Column}. {Configured()}", path)));
        return unknown.Count > 0;
    }

    private string Configured() => queries!.Count == 0
        ? "This control plane is configured with none."
        : $"This control plane is configured with: {string.Join(", ", queries.Order(StringComparer.Ordinal).Take(QueriesNamedMax))}{(queries.Count > QueriesNamedMax ? ", ..." : ".")}";

    private void CheckIds(IEnumerable<StageDraft> drafts)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var draft in drafts)
        {
            if (draft.StageId is { } id && !seen.Add(id))
            {
                errors.Add(new Problem(PlanProblems.StageIdDuplicate, $"An earlier stage is called '{id}' too.", draft.Path + ".stage_id"));
            }
        }
    }

    private void CheckTargets(IReadOnlyList<StageDraft> drafts)
    {
        var previous = -1m;
        foreach (var draft in drafts)
        {
            if (draft.Target is not { } target)
            {
                continue;
            }

            if (target <= previous)
            {
                errors.Add(new Problem(
                    PlanProblems.TargetNotIncreasing, $"{target} % is not above the {previous} % of the stage before.", draft.TargetPath));
            }

            previous = target;
        }

        if (!waived && drafts.Count > 0 && drafts[0].Target > 25)
        {
            errors.Add(new Problem(
                PlanProblems.FirstTargetAbove25, $"The first stage may reach at most 25 %, not {drafts[0].Target} %.", drafts[0].TargetPath));
        }
    }
}
