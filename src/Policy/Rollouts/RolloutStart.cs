using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>How a rollout begins, and how a fleet gets its first bundle.</summary>
internal static class RolloutStart
{
    public static Outcome<ImmutableArray<RolloutEvent>> Decide(RolloutCommand.Start command, DateTimeOffset now)
    {
        if (RestraintRules.Stopped(command.Restraints) is { } held)
        {
            return RolloutDecider.Refuse(held.Code, held.Sentence);
        }

        var frozen = FreezeRules.Frozen(command.Restraints, command.Fleet, now);
        var lifting = frozen is null ? null : WaiverRules.FindLifting(command.Waivers, command.Fleet, command.Target, now);
        if (frozen is not null && lifting is null)
        {
            return RolloutDecider.Refuse(frozen.Code, frozen.Sentence);
        }

        if (CapRules.Exceeded(command.Restraints, command.InFlight) is { } exceeded)
        {
            return RolloutDecider.Refuse(exceeded.Code, exceeded.Message);
        }

        var current = command.Current;
        if (current.Target is null)
        {
            return RolloutDecider.Refuse(RolloutProblems.NoFallback, "The fleet has no bundle to go back to: give it a baseline first.");
        }

        var continues = !current.AtRest;
        if (continues && current.Target != command.Target)
        {
            return RolloutDecider.Refuse(
                RolloutProblems.FleetSplit,
                $"The fleet is split at {current.Percentage} % of {current.Target}: its next rollout is of the same bundle, or a rollback.");
        }

        if (!continues && current.Target == command.Target)
        {
            return RolloutDecider.Refuse(RolloutProblems.AlreadyRunning, "The whole fleet runs this bundle already.");
        }

        var plan = command.Plan;
        if (continues && plan.Shadow)
        {
            return RolloutDecider.Refuse(
                PlanProblems.ShadowOfSplit, "Part of the fleet runs this bundle already: a shadow stage would have nothing left to show.", "$.shadow");
        }

        var caps = CapRules.Of(plan, command.Restraints);
        var problems = PlanFleetRules.Check(plan, caps, command.Census, "$", [.. plan.Stages.Select((_, i) => $"$.wedge_stages[{i}].target_percentage")]);
        if (!problems.IsEmpty)
        {
            return Outcome<ImmutableArray<RolloutEvent>>.Fail(problems);
        }

        // A rollout that continues a split keeps salt and cuts: nobody moves but forward.
        var atInitial = plan.InitialPercentage < plan.Stages[0].TargetPercentage;
        var percentage = atInitial ? plan.InitialPercentage : plan.Stages[0].TargetPercentage;
        var salt = continues ? current.Salt : command.Salt;
        var cut = Cohorts.Cut(current.Cuts, command.Census, percentage, caps, salt);
        if (cut.Nodes == 0)
        {
            return RolloutDecider.Refuse(
                PlanProblems.FleetTooSmall, $"The first stage would reach no node of {cut.Census}: raise its percentage.", "$.wedge_stages[0]");
        }

        var largest = continues ? Math.Max(cut.Census, current.CensusN) : cut.Census;
        var radius = Cohorts.BlastRadius(cut.Nodes, largest, cut.Census);
        if (continues && radius > plan.MaxBlastRadius)
        {
            return RolloutDecider.Refuse(
                PlanProblems.RadiusBelowSplit,
                $"{cut.Nodes} of {largest} nodes hold the target already: {radius:0.##} % exceed max_blast_radius {plan.MaxBlastRadius} %.",
                "$.max_blast_radius");
        }

        Invariant.Holds(radius <= plan.MaxBlastRadius, "INV-RWG-BLAST", "The first stage stays within max_blast_radius.");
        Invariant.Holds(command.HourSeconds is > 0 and <= 86_400, "INV-RWG-HOURS", "A contract hour lasts more than nothing, and at most a day.");
        var directive = new Directive
        {
            Epoch = current.Epoch + 1,
            ArmEpoch = current.ArmEpoch,
            Target = command.Target,
            Fallback = continues ? current.Fallback : current.Target,
            Cuts = plan.Shadow ? current.Cuts : cut.Cuts,
            Caps = plan.Shadow ? null : StageCaps.Of(caps, plan.MaxBlastRadius, percentage, largest, command.Census),
            Percentage = plan.Shadow ? 0 : continues ? Math.Max(percentage, current.Percentage) : percentage,
            CensusAt = now,
            CensusN = cut.Census,
            Salt = salt,
            Shadow = plan.Shadow,
        };
        Invariant.Holds(!directive.Shadow || directive is { Cuts.IsEmpty: true, AtRest: false }, "INV-RWG-SHADOW", "Nobody is assigned what is only shown.");
        var why = plan.Shadow ? RolloutLook.EnteredShadow(plan, now) : RolloutLook.Entered(plan, 0, percentage, now);
        var state = Open(command, RolloutKind.Rollout, directive, why, now) with
        {
            StageIndex = plan.Shadow ? RolloutState.ShadowIndex : 0,
            Fallback = directive.Fallback,
            Plan = plan,
            Critical = command.Critical,
            WaiverId = command.WaiverId,
            WaveId = command.WaveId,
            FreezeWaiverId = lifting?.WaiverId,
            AtInitialPercentage = atInitial && !plan.Shadow,
            Percentage = plan.Shadow ? 0 : percentage,
            CensusNMax = largest,
        };
        return RolloutDecider.One(new RolloutEvent.Started(now, state, directive));
    }

    public static Outcome<ImmutableArray<RolloutEvent>> Decide(RolloutCommand.SetBaseline command, DateTimeOffset now)
    {
        var replaces = command.Current.Target is not null && !FileDirective.Holds(command.Current);
        if (replaces && !command.IsDisarmed)
        {
            return RolloutDecider.Refuse(RolloutProblems.HasBaseline, "The fleet has a bundle already: change it by a rollout.");
        }

        if (replaces && !command.Current.AtRest)
        {
            return RolloutDecider.Refuse(RolloutProblems.FleetSplit, $"The fleet is split at {command.Current.Percentage} % of {command.Current.Target}: take that back first.");
        }

        if (replaces && command.Current.Target == command.Target)
        {
            return RolloutDecider.Refuse(RolloutProblems.AlreadyRunning, "The whole fleet runs this bundle already.");
        }

        var directive = RolloutLook.RestOn(command.Current, command.Target);
        var why = new Why(RolloutReasons.Baseline, replaces ? "The disarmed fleet was given another bundle." : "The fleet's first bundle is in force.", now);
        var state = Open(command, RolloutKind.Baseline, directive, why, now) with
        {
            Fallback = replaces ? command.Current.Target : null,
            Phase = RolloutPhase.Complete,
            CensusNMax = command.RegisteredNodes,
            EndedAt = now,
        };
        return RolloutDecider.One(new RolloutEvent.Started(now, state, directive));
    }

    /// <summary>A record as it is born: active, with every clock at this moment, bringing the whole fleet its target.</summary>
    public static RolloutState Open(RolloutCommand.Opening command, RolloutKind kind, Directive directive, Why why, DateTimeOffset now) => new()
    {
        Tenant = command.Tenant,
        RolloutId = command.RolloutId,
        Kind = kind,
        Fleet = command.Fleet,
        Target = command.Target,
        Author = command.By,
        Reason = command.Reason,
        Phase = RolloutPhase.Active,
        Revision = 1,
        Epoch = directive.Epoch,
        ArmEpoch = directive.ArmEpoch,
        Percentage = 100,
        HourSeconds = command.HourSeconds,
        StartedAt = now,
        StageStartedAt = now,
        StageClockStart = now,
        WindowStartedAt = now,
        SeenAt = now,
        Why = why,
    };
}
