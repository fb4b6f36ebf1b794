namespace OrleansPolicy.Rollouts;

/// <summary>The codes of what can be wrong with a plan. Stable: callers branch on them.</summary>
public static class PlanProblems
{
    /// <summary>There is no <c>rollout_wedge</c>.</summary>
    public const string Missing = "plan.missing";

    /// <summary>The plan is no JSON object.</summary>
    public const string NotAnObject = "plan.not_an_object";

    /// <summary>A name in the plan is no text.</summary>
    public const string Unreadable = "plan.unreadable";

    /// <summary>A field stands twice in one object.</summary>
    public const string DuplicateField = "plan.duplicate_field";

    /// <summary>A mandatory field is missing.</summary>
    public const string MissingField = "plan.missing_field";

    /// <summary><c>wedge_stages</c> is no list.</summary>
    public const string Stages = "plan.wedge_stages";

    /// <summary>Fewer than two stages.</summary>
    public const string StagesTooFew = "plan.stages_too_few";

    /// <summary>More than <see cref="PlanReader.StagesMax"/> stages.</summary>
    public const string StagesTooMany = "plan.stages_too_many";

    /// <summary>A stage is no object.</summary>
    public const string Stage = "plan.stage.not_an_object";

    /// <summary><c>stage_id</c> is no text, blank or too long.</summary>
    public const string StageId = "plan.stage.stage_id";

    /// <summary>Two stages have one <c>stage_id</c>.</summary>
    public const string StageIdDuplicate = "plan.stage.stage_id_duplicate";

    /// <summary><c>target_percentage</c> is no number from 0 to 100.</summary>
    public const string Target = "plan.stage.target_percentage";

    /// <summary>A target is not above the one before.</summary>
    public const string TargetNotIncreasing = "plan.stage.target_not_increasing";

    /// <summary>The first target is above 25 %.</summary>
    public const string FirstTargetAbove25 = "plan.stage.first_target_above_25";

    /// <summary><c>duration_hours</c> is no number above 0 and at most 8,760.</summary>
    public const string Duration = "plan.stage.duration_hours";

    /// <summary><c>success_criteria</c> is no list with at least one element, or has too many.</summary>
    public const string Criteria = "plan.stage.success_criteria";

    /// <summary>A success criterion is no text, blank or too long.</summary>
    public const string Criterion = "plan.stage.success_criterion";

    /// <summary><c>rollback_trigger</c> is no text, blank or too long.</summary>
    public const string Trigger = "plan.stage.rollback_trigger";

    /// <summary>A criterion or a trigger names a configured query and does not parse, or asks of its answer what one number cannot tell.</summary>
    public const string QueryMalformed = "plan.stage.query_malformed";

    /// <summary>A criterion or a trigger names a query that the process is not configured with.</summary>
    public const string QueryUnknown = "plan.stage.query_unknown";

    /// <summary>The plan has stages and a <c>generate</c> that would make others.</summary>
    public const string GenerateWithStages = "plan.generate.with_stages";

    /// <summary><c>generate</c> needs <c>increment_policy</c> linear or exponential.</summary>
    public const string GenerateManual = "plan.generate.manual";

    /// <summary><c>initial_percentage</c> is no number above 0 and at most 100.</summary>
    public const string Initial = "plan.initial_percentage";

    /// <summary><c>initial_percentage</c> is above 10 % for a critical subsystem.</summary>
    public const string InitialCritical = "plan.initial_percentage_critical";

    /// <summary><c>initial_percentage</c> is above the first target.</summary>
    public const string InitialAboveTarget = "plan.initial_above_first_target";

    /// <summary><c>increment_policy</c> is none of linear, exponential, manual.</summary>
    public const string Increment = "plan.increment_policy";

    /// <summary>The steps between the targets are not equal.</summary>
    public const string NotLinear = "plan.increment_not_linear";

    /// <summary>The factors between the targets are not equal.</summary>
    public const string NotExponential = "plan.increment_not_exponential";

    /// <summary><c>max_blast_radius</c> is no number above 0 and at most 100.</summary>
    public const string Radius = "plan.max_blast_radius";

    /// <summary><c>max_blast_radius</c> is below a target.</summary>
    public const string RadiusBelowTarget = "plan.max_blast_radius_below_target";

    /// <summary><c>max_blast_radius</c> is below what an earlier rollout of the bundle left in place.</summary>
    public const string RadiusBelowSplit = "plan.max_blast_radius_below_split";

    /// <summary><c>observation_window_hours</c> is no number from 1 to 8,760.</summary>
    public const string Window = "plan.observation_window_hours";

    /// <summary><c>wedge_state</c> is none of the five states.</summary>
    public const string State = "plan.wedge_state";

    /// <summary>A plan to be started is PENDING or says nothing.</summary>
    public const string StateNotPending = "plan.wedge_state_not_pending";

    /// <summary>The fleet is too small for a stage.</summary>
    public const string FleetTooSmall = "plan.fleet_too_small";

    /// <summary>A parity group has more nodes than a stage gives its domain.</summary>
    public const string GroupTooLarge = "plan.group_larger_than_share";

    /// <summary>The fleet runs the bundle in part already: a shadow stage would have nothing left to show.</summary>
    public const string ShadowOfSplit = "plan.shadow_of_split";

    /// <summary>Warning: a field that is not known here.</summary>
    public const string UnknownField = "plan.unknown_field";

    /// <summary>Warning: the outer field is called <c>change_proposal</c>.</summary>
    public const string LegacyProposal = "plan.change_proposal";

    /// <summary>Warning: a duration is below the observation window.</summary>
    public const string DurationBelowWindow = "plan.duration_below_window";

    /// <summary>Warning: the plan ends below 100 %.</summary>
    public const string EndsBelow100 = "plan.ends_below_100";

    /// <summary>Warning: a success criterion does not parse and is for a person.</summary>
    public const string CriterionManual = "plan.stage.criterion_manual";

    /// <summary>Warning: a rollback trigger does not parse and never fires by itself.</summary>
    public const string TriggerManual = "plan.stage.trigger_manual";

    /// <summary>Warning: a stage reaches no node that the one before does not reach.</summary>
    public const string AddsNoNode = "plan.stage.adds_no_node";

    /// <summary>The code for a value of an optional field that does not fit, such as <c>plan.nack_budget</c>.</summary>
    public static string Of(string field) => "plan." + field;
}
