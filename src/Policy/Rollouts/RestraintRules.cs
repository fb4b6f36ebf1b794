using OrleansPolicy.Audit;

namespace OrleansPolicy.Rollouts;

/// <summary>What can be done with a tenant's restraints, and what they hold.</summary>
public static class RestraintRules
{
    /// <summary>The line is stopped already, or runs already.</summary>
    public const string LineStateCode = "line.state";

    /// <summary>Stops the line; fails with <see cref="LineStateCode"/> and the first stop, which stands.</summary>
    public static Outcome<Restraints> Stop(Restraints restraints, Actor by, string reason, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(restraints);
        return restraints.Line is { } stop
            ? Outcome<Restraints>.Fail(LineStateCode, $"The line is stopped already: {Say(stop)}")
            : Outcome<Restraints>.Ok(restraints with { Line = new LineStop(by, reason, now) });
    }

    /// <summary>Lets the line run again; fails with <see cref="LineStateCode"/>.</summary>
    public static Outcome<Restraints> Release(Restraints restraints)
    {
        ArgumentNullException.ThrowIfNull(restraints);
        return restraints.Line is null
            ? Outcome<Restraints>.Fail(LineStateCode, "The line is not stopped.")
            : Outcome<Restraints>.Ok(restraints with { Line = null });
    }

    /// <summary>The stop of the line, as the reason for which a rollout stands still; null: it runs.</summary>
    public static Why? Stopped(Restraints restraints)
    {
        ArgumentNullException.ThrowIfNull(restraints);
        return restraints.Line is { } stop
            ? new Why(
                RolloutReasons.LineStopped, $"The line is stopped: {Say(stop)}", stop.At,
                "Goes on when somebody releases the line. The way back stays open.")
            : null;
    }

    private static string Say(LineStop stop) => $"{stop.By.Subject}: {stop.Reason}";
}
