using System.CommandLine;
using OrleansPolicy.Client;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl waiver</c>: leave to roll out without stages, without a backtest, or in spite of freeze windows.</summary>
internal static class WaiverCommands
{
    public static Command Create(CliHost host) => new("waiver", "Leave to roll out without stages, without a backtest, or in spite of freeze windows: asked for by one, approved by two others.")
    {
        Request(host), List(host), Approve(host), Revoke(host),
    };

    private static Command Request(CliHost host)
    {
        var fleet = new Argument<string>("fleet") { Description = "The fleet it is for." };
        var reference = new Option<string?>("--ref") { Description = "The one bundle it is for (default: any)." };
        var days = new Option<double>("--days") { Description = "For how long, at most 90.", DefaultValueFactory = _ => 7 };
        var rule = new Option<string>("--rule") { Description = "What it lifts.", DefaultValueFactory = _ => Waiver.MultiStage }
            .AcceptOnlyFromAmong(Waiver.MultiStage, Waiver.Backtest, Waiver.FreezeWindow);
        var reason = ReasonOption.Create();
        return new Command("request", "Ask for one.") { fleet, reference, rule, days, reason }.Does(host, async (context, cancellationToken) =>
        {
            var waiver = await context.Client.RequestWaiverAsync(
                new NewWaiver(
                    context.Get(fleet), context.Get(reference), context.Required(reason), DateTimeOffset.UtcNow.AddDays(context.Get(days)))
                {
                    Rule = context.Required(rule),
                },
                null, cancellationToken);
            context.Output.Answer(waiver, o => Print(o, waiver));
            return ExitCodes.Ok;
        });
    }

    private static Command List(CliHost host) => new Command("ls", "Waivers, newest first.").Does(host, async (context, cancellationToken) =>
    {
        var waivers = await context.Client.ListWaiversAsync(cancellationToken);
        context.Output.Answer(waivers, o =>
        {
            var table = Show.Table("waiver", "state", "rule", "fleet", "bundle", "requested by", "approved by", "until", "reason");
            foreach (var waiver in waivers)
            {
                table.Row(
                    waiver.WaiverId, Show.Word(waiver.State), waiver.Rule, waiver.Fleet, Show.Hash(waiver.PolicyHash), waiver.RequestedBy, Approvers(waiver),
                    Show.Time(waiver.ExpiresAt), waiver.Reason);
            }

            o.Table(table);
        });
        return ExitCodes.Ok;
    });

    private static Command Approve(CliHost host)
    {
        var id = WaiverArgument();
        var reason = ReasonOption.Create();
        return new Command("approve", "Approve one; two people do who did not ask for it.") { id, reason }.Does(host, async (context, cancellationToken) =>
        {
            var waiver = await context.Client.ApproveWaiverAsync(context.Get(id), context.Required(reason), cancellationToken);
            context.Output.Answer(waiver, o => Print(o, waiver));
            return ExitCodes.Ok;
        });
    }

    private static Command Revoke(CliHost host)
    {
        var id = WaiverArgument();
        return new Command("revoke", "Take one back; what was started under it goes on.") { id }.Does(host, async (context, cancellationToken) =>
        {
            await context.Client.RevokeWaiverAsync(context.Get(id), cancellationToken);
            context.Output.Answer(new { WaiverId = context.Get(id), Revoked = true }, o => o.Line($"{context.Get(id)} is taken back."));
            return ExitCodes.Ok;
        });
    }

    private static Argument<string> WaiverArgument() => new("waiver") { Description = "The waiver's id." };

    private static string Approvers(WaiverAnswer waiver) => string.Join(", ", waiver.Approvals.Select(approval => approval.By));

    private static void Print(CliOutput output, WaiverAnswer waiver) => output.Facts(
    [
        ("waiver", waiver.WaiverId), ("state", Show.Word(waiver.State)), ("rule", waiver.Rule), ("fleet", waiver.Fleet), ("bundle", waiver.PolicyHash),
        ("requested", waiver.RequestedBy), ("approved", waiver.Approvals.IsEmpty ? null : Approvers(waiver)), ("until", Show.Time(waiver.ExpiresAt)),
        ("reason", waiver.Reason),
    ]);
}
