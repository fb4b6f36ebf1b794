using System.Collections.Immutable;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Rollouts;

/// <summary>What can be done with a waiver, and what with it.</summary>
public static class WaiverRules
{
    /// <summary>There is no such waiver.</summary>
    public const string UnknownCode = "waiver.unknown";

    /// <summary>The rule is none that can be waived.</summary>
    public const string RuleCode = "waiver.rule";

    /// <summary>The time is over already, or longer than <see cref="Waiver.DaysMax"/> days.</summary>
    public const string ExpiryCode = "waiver.expires_at";

    /// <summary>The waiver is expired, taken back, or approved already.</summary>
    public const string StateCode = "waiver.state";

    /// <summary>The requester, or somebody who approved it already, or not certainly another person than they.</summary>
    public const string SamePersonCode = "waiver.same_person";

    /// <summary>The waiver is not in force, or is for another fleet or another bundle.</summary>
    public const string NotInForceCode = "waiver.not_in_force";

    /// <summary>A request for one; fails with <see cref="RuleCode"/> and <see cref="ExpiryCode"/>.</summary>
    public static Outcome<Waiver> Request(Waiver waiver)
    {
        ArgumentNullException.ThrowIfNull(waiver);
        if (waiver.Rule is not (Waiver.MultiStage or Waiver.Backtest or Waiver.FreezeWindow))
        {
            return Outcome<Waiver>.Fail(RuleCode, $"The rules that can be waived are {Waiver.MultiStage}, {Waiver.Backtest} and {Waiver.FreezeWindow}.", "$.rule");
        }

        var lasts = waiver.ExpiresAt - waiver.RequestedAt;
        return lasts > TimeSpan.Zero && lasts <= TimeSpan.FromDays(Waiver.DaysMax)
            ? Outcome<Waiver>.Ok(waiver)
            : Outcome<Waiver>.Fail(ExpiryCode, $"A waiver ends in the future, at most {Waiver.DaysMax} days from now.", "$.expires_at");
    }

    /// <summary>An approval; fails with <see cref="StateCode"/> and <see cref="SamePersonCode"/>.</summary>
    public static Outcome<Waiver> Approve(Waiver waiver, Actor by, string reason, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(waiver);
        ArgumentNullException.ThrowIfNull(by);
        if (waiver.StateAt(now) != WaiverState.Requested)
        {
            return WrongState(waiver, now, "approved");
        }

        if (!by.IsAnotherPersonThan(waiver.RequestedBy) || waiver.Approvals.Any(approval => !by.IsAnotherPersonThan(approval.By)))
        {
            return Outcome<Waiver>.Fail(
                SamePersonCode,
                $"{by.Subject} requested or approved it, or is not certainly another person: it takes the requester and {Waiver.ApprovalsNeeded} others.");
        }

        return Outcome<Waiver>.Ok(waiver with { Approvals = waiver.Approvals.Add(new WaiverApproval(by, reason, now)) });
    }

    /// <summary>Its end before its time; fails with <see cref="StateCode"/>. What was started under it goes on.</summary>
    public static Outcome<Waiver> Revoke(Waiver waiver, Actor by, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(waiver);
        return waiver.StateAt(now) is WaiverState.Requested or WaiverState.Approved
            ? Outcome<Waiver>.Ok(waiver with { RevokedBy = by, RevokedAt = now })
            : WrongState(waiver, now, "taken back");
    }

    /// <summary>Null where the start of a bundle on a fleet may use it, else why not (<see cref="NotInForceCode"/>).</summary>
    public static Problem? Check(Waiver waiver, string fleet, string policyHash, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(waiver);
        var why = waiver.Rule == Waiver.FreezeWindow ? "lifts freeze windows, for which no start names it"
            : WhyNot(waiver, fleet, policyHash, now);
        return why is null ? null : new Problem(NotInForceCode, $"The waiver {waiver.WaiverId} {why}.", "$.waiver_id");
    }

    /// <summary>The first of some waivers that lifts the freeze windows for a bundle on a fleet; null: none does.</summary>
    public static Waiver? FindLifting(ImmutableArray<Waiver> waivers, string fleet, string policyHash, DateTimeOffset now) =>
        waivers.FirstOrDefault(waiver => waiver.Rule == Waiver.FreezeWindow && WhyNot(waiver, fleet, policyHash, now) is null);

    private static string? WhyNot(Waiver waiver, string fleet, string policyHash, DateTimeOffset now) =>
        waiver.StateAt(now) is not WaiverState.Approved and var state ? $"is {NameOf(state)}"
        : waiver.Fleet != fleet ? $"is for fleet {waiver.Fleet}"
        : waiver.PolicyHash is { } hash && hash != policyHash ? $"is for the bundle {hash}"
        : null;

    private static Outcome<Waiver> WrongState(Waiver waiver, DateTimeOffset now, string what) =>
        Outcome<Waiver>.Fail(StateCode, $"The waiver is {NameOf(waiver.StateAt(now))} and cannot be {what}.");

    private static string NameOf(WaiverState state) => state switch
    {
        WaiverState.Requested => "not approved yet",
        WaiverState.Approved => "approved",
        WaiverState.Expired => "expired",
        _ => "taken back",
    };
}
