using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>A fast-track, and the looks at a way back until it is over.</summary>
internal static class RolloutReturn
{
    /// <summary>The bound of every way back; that of a fast-track, which has no plan that could set a narrower one.</summary>
    public const int DeadlineSecMax = 60;

    public static Outcome<ImmutableArray<RolloutEvent>> Decide(RolloutCommand.FastTrack command, DateTimeOffset now)
    {
        var current = command.Current;
        if (current.Target is null)
        {
            return RolloutDecider.Refuse(RolloutProblems.NoFallback, "The fleet has no bundle to go back to: give it a baseline first.");
        }

        if (current.AtRest && current.Target == command.Target)
        {
            return RolloutDecider.Refuse(RolloutProblems.AlreadyRunning, "The whole fleet is to run this bundle already.");
        }

        var directive = RolloutLook.RestOn(current, command.Target);
        var why = new Why(RolloutReasons.FastTrack, $"{command.By.Subject} took the fleet back at once: {command.Reason}", now, "Every node goes to the target.");
        var state = RolloutStart.Open(command, RolloutKind.FastTrack, directive, why, now) with
        {
            Fallback = current.Target,
            Return = new WayBack
            {
                Epoch = directive.Epoch,
                DetectedAt = command.DetectedAt < now ? command.DetectedAt : now,
                DecidedAt = now,
                DeadlineSec = DeadlineSecMax,
            },
        };
        return RolloutDecider.One(new RolloutEvent.Started(now, state, directive));
    }

    public static Outcome<ImmutableArray<RolloutEvent>> Supersede(RolloutState state, RolloutCommand.Supersede command, DateTimeOffset at)
    {
        if (state.IsFinal)
        {
            return RolloutDecider.WrongState(state, "superseded");
        }

        var why = new Why(
            RolloutReasons.Superseded, $"{command.By.Subject} took the fleet elsewhere by fast-track {command.FastTrackId}: {command.Reason}", at);
        return RolloutDecider.One(new RolloutEvent.Superseded(at, command.By, command.FastTrackId, why, command.Epoch));
    }

    /// <summary>One look at an open way back.</summary>
    public static Outcome<ImmutableArray<RolloutEvent>> Look(RolloutState state, WayBack back, RolloutCommand.Observe command, DateTimeOffset at)
    {
        // Counts of an older directive say nothing about who has returned.
        if (command.Fleet is not { Return: { } nodes } fleet || fleet.Directive.Epoch < back.Epoch)
        {
            return RolloutDecider.Nothing();
        }

        var durableAt = back.DurableAt ?? Earlier(command.DurableAt ?? at, at);
        if (nodes.Waiting == 0)
        {
            var overAt = nodes.SettledAt is { } settled && settled > durableAt ? settled : durableAt;
            return RolloutDecider.One(new RolloutEvent.Over(at, durableAt, overAt, nodes));
        }

        if (back.OverdueAt is null && at > back.DueAt)
        {
            var why = new Why(
                RolloutReasons.Overdue,
                $"The way back takes longer than {back.DeadlineSec} s: {nodes.Waiting} of {nodes.Nodes} nodes have neither ACKed nor are they fenced. {state.Why.Sentence}",
                at, "Ends as soon as they have, are fenced, or are taken out of the fleet.", state.Why.Criterion,
                Math.Round((at - back.DetectedAt).TotalSeconds, 3), back.DeadlineSec);
            return RolloutDecider.One(new RolloutEvent.Overdue(at, durableAt, nodes, why));
        }

        return back.DurableAt is null ? RolloutDecider.One(new RolloutEvent.Returning(at, durableAt)) : RolloutDecider.Nothing();
    }

    public static RolloutState Apply(RolloutState state, RolloutEvent.Superseded e) => state with
    {
        Phase = RolloutPhase.RolledBack,
        Epoch = e.Epoch,
        Percentage = 0,
        Why = e.Why,
        Healthy = false,
        EndedAt = state.EndedAt ?? e.At,
        Return = state.Return is { } back ? back with { SupersededBy = e.FastTrackId } : null,
    };

    public static RolloutState Apply(RolloutState state, RolloutEvent.Over e)
    {
        Invariant.Holds(
            state.Return is { IsOpen: true } && e.Nodes.Waiting == 0,
            "INV-RWG-RETURN", "A way back is over once, when every node has ACKed or is fenced.");
        var isFastTrack = state.Kind == RolloutKind.FastTrack;
        return state with
        {
            Phase = isFastTrack ? RolloutPhase.Complete : state.Phase,
            EndedAt = isFastTrack ? e.OverAt : state.EndedAt,
            Why = (state.Return.Cause ?? state.Why) with { Next = null },
            Return = state.Return with { DurableAt = e.DurableAt, LastAckAt = e.Nodes.LastAckAt, OverAt = e.OverAt, Nodes = e.Nodes },
        };
    }

    public static RolloutState Apply(RolloutState state, RolloutEvent.Overdue e) => state with
    {
        Why = e.Why,
        Return = state.Return! with { DurableAt = e.DurableAt, OverdueAt = e.At, Cause = state.Why },
    };

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
