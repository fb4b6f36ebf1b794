namespace OrleansPolicy.Arming;

/// <summary>What follows from an arm or a disarm. Pure and total.</summary>
public static class ArmDecider
{
    /// <summary>The second person may not be the first.</summary>
    public const string SamePerson = "arm.same_person";

    /// <summary>No arm waits under this id: it was completed, a new disarm voided it, or it is too old.</summary>
    public const string PendingVoid = "arm.pending_void";

    /// <summary>How long an arm waits for its second person.</summary>
    public static readonly TimeSpan PendingFor = TimeSpan.FromHours(1);

    /// <summary>
    /// What the scope's row becomes. The very row that was given where nothing changes. Disarming always succeeds, raises the number and
    /// voids an arm that waits; it can make an emergency of what was none, never the other way round. Fails with
    /// <see cref="SamePerson"/>, <see cref="PendingVoid"/>.
    /// </summary>
    /// <param name="row">What was last said; null: nothing.</param>
    /// <param name="command">What is said now.</param>
    /// <param name="lastEpoch">The highest number of the installation.</param>
    /// <param name="now">The time.</param>
    public static Outcome<ArmRow> Decide(ArmRow? row, ArmCommand command, long lastEpoch, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(command);
        return command switch
        {
            ArmCommand.Disarm disarm => Outcome<ArmRow>.Ok(Said(disarm, armed: false, lastEpoch, now) with
            {
                Emergency = (disarm.Emergency ?? disarm.Scope.Level is ArmLevel.Tenant or ArmLevel.All) || row is { Armed: false, Emergency: true },
            }),
            ArmCommand.Arm arm => Arm(row, arm, lastEpoch, now),
            _ => throw new InvariantViolationException($"{command.GetType().Name} is not one of the commands."),
        };
    }

    /// <summary>Whether the row waits for a second person.</summary>
    public static bool Waits(ArmRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row is { Armed: false, Pending: not null };
    }

    private static Outcome<ArmRow> Arm(ArmRow? row, ArmCommand.Arm arm, long lastEpoch, DateTimeOffset now)
    {
        var pending = row?.Pending is { } asked && now - asked.At < PendingFor ? asked : null;
        if (arm.PendingId is { } id)
        {
            return pending?.PendingId != id ? Outcome<ArmRow>.Fail(PendingVoid, "No arm waits under this id: ask anew.", "$.pending_id")
                : !arm.By.IsAnotherPersonThan(pending.By) ? Outcome<ArmRow>.Fail(
                    SamePerson, $"{pending.By.Subject} asked for this arm, and {arm.By.Subject} is not certainly another person: a key counts as everyone who created it, too.",
                    "$.pending_id")
                : Outcome<ArmRow>.Ok(Said(arm, armed: true, lastEpoch, now));
        }

        return row switch
        {
            { Armed: true } => Outcome<ArmRow>.Ok(row),
            { Emergency: true } => Outcome<ArmRow>.Ok(
                pending is null ? row with { Pending = new PendingArm(arm.NewPendingId, arm.By, arm.Reason, now) } : row),
            _ => Outcome<ArmRow>.Ok(Said(arm, armed: true, lastEpoch, now)),
        };
    }

    // Numbered by the time, as far as that goes on: in a database restored from an older backup too, what is said next is above all that
    // nodes ever heard, and they obey it.
    private static long Next(long lastEpoch, DateTimeOffset now) => Math.Max(lastEpoch + 1, now.ToUnixTimeMilliseconds());

    private static ArmRow Said(ArmCommand command, bool armed, long lastEpoch, DateTimeOffset now) => new()
    {
        Scope = command.Scope,
        Armed = armed,
        ArmEpoch = Next(lastEpoch, now),
        Reason = command.Reason,
        By = command.By,
        At = now,
    };
}
