using System.CommandLine;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl fleet rollback</c>, <c>fleet quarantine</c> and <c>fleet raise-epoch</c>.</summary>
internal static class FleetReturnCommands
{
    public static Command RollBack(CliHost host)
    {
        var fleet = FleetArgument();
        var reference = new Option<string?>("--to") { Description = "A bundle that the whole fleet ran before (default: the last good one)." };
        var expired = new Option<bool>("--allow-expired") { Description = "Take a bundle that has expired." };
        var (reason, wait) = (ReasonOption.Create(), ReturnWatch.Option());
        return new Command("rollback", "Bring the whole fleet back at once, and tell how long that took.") { fleet, reference, expired, reason, wait }
            .Does(host, async (context, cancellationToken) =>
            {
                // The whole fleet goes back once, however often the answer is lost.
                var begun = await context.Client.RollBackFleetAsync(
                    context.Get(fleet), context.Required(reason), context.Get(reference), context.Get(expired), Guid.NewGuid().ToString("N"),
                    cancellationToken);
                return await ReturnWatch.RunAsync(context, begun, context.Get(wait), cancellationToken);
            });
    }

    public static Command RaiseEpoch(CliHost host)
    {
        var fleet = FleetArgument();
        var epoch = new Argument<long>("epoch") { Description = "Above all that the fleet and its nodes know." };
        var reason = ReasonOption.Create();
        return new Command("raise-epoch", "Lead a fleet again whose nodes know a higher epoch than a restored database.") { fleet, epoch, reason }
            .Does(host, async (context, cancellationToken) =>
            {
                var raised = await context.Client.RaiseEpochAsync(context.Get(fleet), context.Get(epoch), context.Required(reason), cancellationToken);
                context.Output.Answer(raised, o => o.Line($"{raised.Fleet} goes on under epoch {raised.Directive.Epoch}."));
                return ExitCodes.Ok;
            });
    }

    public static Command Quarantine(CliHost host) => new("quarantine", "What a fleet is not offered again.") { List(host), Release(host) };

    private static Command List(CliHost host)
    {
        var fleet = FleetArgument();
        return new Command("ls", "The bundles, newest first.") { fleet }.Does(host, async (context, cancellationToken) =>
        {
            var held = await context.Client.ListQuarantineAsync(context.Get(fleet), cancellationToken);
            context.Output.Answer(held, o =>
            {
                var table = Show.Table("policy hash", "taken back by", "rollout", "at", "why");
                foreach (var bundle in held)
                {
                    table.Row(bundle.PolicyHash, bundle.By, bundle.RolloutId, Show.Time(bundle.At), bundle.Reason);
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static Command Release(CliHost host)
    {
        var fleet = FleetArgument();
        var hash = new Argument<string>("hash") { Description = "The policy hash." };
        var reason = ReasonOption.Create();
        return new Command("release", "Let the fleet be offered a bundle again.") { fleet, hash, reason }.Does(host, async (context, cancellationToken) =>
        {
            var released = await context.Client.ReleaseAsync(context.Get(fleet), context.Get(hash), context.Required(reason), cancellationToken);
            context.Output.Answer(released, o => o.Line($"{released.PolicyHash} may be offered to {released.Fleet} again."));
            return ExitCodes.Ok;
        });
    }

    private static Argument<string> FleetArgument() => new("fleet") { Description = "The fleet." };
}
