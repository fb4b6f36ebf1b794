using System.Globalization;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Arming;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Arming;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Who may serve: arming and disarming a node, a fleet, a tenant, everything.</summary>
public static class ArmEndpoints
{
    private static readonly TimeSpan WaitDefault = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>Maps those of one tenant.</summary>
    public static void MapArming(this IEndpointRouteBuilder routes)
    {
        foreach (var (path, what) in ((string, string)[])[("/fleets/{fleet}/nodes/{node}", "the node"), ("/fleets/{fleet}", "the fleet"), ("", "every fleet of the tenant")])
        {
            MapDisarm(routes, path + "/disarm", Permission.Disarm, what);
            MapArm(routes, path + "/arm", Permission.Arm, what);
        }
    }

    /// <summary>Maps those of the installation.</summary>
    public static void MapArmingOfAll(this IEndpointRouteBuilder routes)
    {
        MapDisarm(routes, "/disarm", Permission.ArmAll, "every fleet of every tenant");
        MapArm(routes, "/arm", Permission.ArmAll, "every fleet of every tenant");
    }

    private static void MapDisarm(IEndpointRouteBuilder routes, string path, Permission permission, string what) =>
        routes.MapPost(path, DisarmAsync)
            .Is(permission, $"Let {what} serve nothing until armed; takes no admission", "fleet.unknown", "node.unknown", "reason.missing", "request.wait")
            .Takes<DisarmRequest>()
            .Gives<ArmAnswer>()
            .WithMetadata(new NeverLimited(), new HoldsRequests());

    private static void MapArm(IEndpointRouteBuilder routes, string path, Permission permission, string what) =>
        routes.MapPost(path, ArmAsync)
            .Is(permission, $"Let {what} serve, as far as nothing else disarms it; after an emergency by two people", "fleet.unknown", "node.unknown", "reason.missing", "request.wait", ArmDecider.SamePerson, ArmDecider.PendingVoid)
            .Takes<ArmRequest>()
            .Gives<ArmAnswer>()
            .Gives<ArmAnswer>(StatusCodes.Status202Accepted)
            .WithMetadata(new HoldsRequests());

    private static async Task<IResult> DisarmAsync(ArmGate gate, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http, string? wait = null)
    {
        var request = await http.ReadAsync<DisarmRequest>(optional: true);
        return request.Succeeded
            ? await RunAsync(gate, time, http, wait, request.Value.Reason, by => new ArmCommand.Disarm(ScopeOf(http), by.By, request.Value.Reason!, request.Value.Emergency))
            : request.Refusal();
    }

    private static async Task<IResult> ArmAsync(ArmGate gate, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http, string? wait = null)
    {
        var request = await http.ReadAsync<ArmRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (reason, pendingId) = request.Value;
        if (pendingId is null && !AccessTable.Allows(http.ApiCaller(), Permission.Operate))
        {
            return new ProblemAnswer("auth.role", $"A key of role {http.ApiCaller().Key.Role} arms only as the second person: name the pending_id.");
        }

        return await RunAsync(
            gate, time, http, wait, reason, by => new ArmCommand.Arm(ScopeOf(http), by.By, reason!, pendingId, Guid.CreateVersion7().ToString("N")));
    }

    private static async Task<IResult> RunAsync(
        ArmGate gate, TimeProvider time, HttpContext http, string? wait, string? reason, Func<Caller, ArmCommand> command)
    {
        var arrived = time.GetTimestamp();
        if (!TryReadWait(wait, out var within))
        {
            return new ProblemAnswer("request.wait", $"wait is a number of seconds, 0 to {WaitMax.TotalSeconds}.", "$.wait");
        }

        if (Reasons.Check(reason) is { } problem)
        {
            return new ProblemAnswer([problem]);
        }

        var said = await http.OnceAsync(caller => gate.ChangeAsync(command(caller), caller));
        if (!said.Succeeded)
        {
            return said.Refusal();
        }

        if (ArmDecider.Waits(said.Value) && said.Value.Pending is { } pending)
        {
            return new JsonAnswer(AnswerOf(said.Value, null) with { PendingId = pending.PendingId, Needs = "second_person" }, StatusCodes.Status202Accepted);
        }

        // What is true already is answered whoever leaves meanwhile; only the waiting for confirmations ends.
        using var ended = http.EndOfPolls();
        var standing = await gate.StandingAsync(said.Value);
        while (standing.UnconfirmedCount > 0 && time.GetElapsedTime(arrived) is var waited && waited < within && !ended.IsCancellationRequested)
        {
            var rest = within - waited;
            await Task.Delay(rest < LookEvery ? rest : LookEvery, time, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            standing = await gate.StandingAsync(said.Value);
        }

        return Answers.Ok(AnswerOf(said.Value, standing));
    }

    private static ArmAnswer AnswerOf(ArmRow row, ArmStanding? standing) => new()
    {
        Armed = row.Armed,
        ArmEpoch = row.ArmEpoch,
        Scope = row.Scope,
        At = row.At,
        Emergency = row.Emergency,
        Confirmed = standing?.Confirmed ?? 0,
        Unconfirmed = standing?.Unconfirmed ?? [],
        UnconfirmedCount = standing?.UnconfirmedCount ?? 0,
        InForceBy = row.Armed ? null : standing?.InForceBy,
    };

    private static ArmScope ScopeOf(HttpContext http) => new(
        http.GetRouteValue("tenant") as string, http.GetRouteValue("fleet") as string, http.GetRouteValue("node") as string);

    private static bool TryReadWait(string? text, out TimeSpan wait)
    {
        wait = WaitDefault;
        if (text is null)
        {
            return true;
        }

        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) || !double.IsFinite(seconds))
        {
            return false;
        }

        wait = TimeSpan.FromSeconds(Math.Min(seconds, WaitMax.TotalSeconds));
        return true;
    }
}

/// <summary>A disarm.</summary>
/// <param name="Reason">Why; at most 2,000 characters.</param>
/// <param name="Emergency">Whether arming again shall take two people; by default for a tenant and for everything.</param>
public sealed record DisarmRequest(string? Reason, bool? Emergency);

/// <summary>An arm.</summary>
/// <param name="Reason">Why; at most 2,000 characters.</param>
/// <param name="PendingId">After an emergency: what the first person was answered.</param>
public sealed record ArmRequest(string? Reason, string? PendingId);
