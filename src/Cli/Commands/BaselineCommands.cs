using System.CommandLine;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl baseline</c>: which bundle counts as good for a fleet, and the way back to it.</summary>
internal static class BaselineCommands
{
    private const string Golden = "golden";

    public static Command Create(CliHost host) => new("baseline", "Which bundle counts as good for a fleet, and the way back to it.")
    {
        Set(host), List(host), RollBack(host),
    };

    private static Command Set(CliHost host)
    {
        var target = TargetArgument();
        var tag = new Option<string>("--tag") { Description = "The fleet's tag that names it.", DefaultValueFactory = _ => Golden };
        var fleet = FleetOption();
        var (reason, wait) = (ReasonOption.Create(), Waiting.Option());
        return new Command(
            "set",
            "Name the good bundle of a fleet. A fleet without one is given it as its first; any other goes on running what it runs, until a rollout or 'baseline rollback'.")
        {
            target, tag, fleet, reason, wait,
        }
        .Does(host, async (context, cancellationToken) =>
        {
            var (name, why) = (context.Required(fleet), context.Required(reason));
            var bundle = await FindAsync(context, context.Get(target), cancellationToken);
            var running = (await context.Client.GetFleetAsync(name, cancellationToken)).Directive.Target;
            if (running is null)
            {
                // The first bundle takes the tag golden with it, in one change.
                await Waiting.ForAdmissionAsync(
                    context, context.Get(wait), client => client.SetBaselineAsync(name, bundle.PolicyHash, why, null, cancellationToken), cancellationToken);
            }

            if (running is not null || context.Required(tag) != Golden)
            {
                await Waiting.ForAdmissionAsync(
                    context, context.Get(wait),
                    client => client.MoveTagAsync(context.Required(tag), bundle.PolicyHash, why, name, null, cancellationToken), cancellationToken);
            }

            var runs = running ?? bundle.PolicyHash;
            context.Output.Answer(
                new { Tag = context.Required(tag), Fleet = name, bundle.PolicyHash, bundle.Version, Running = runs },
                o => o.Facts(
                    ("tag", $"{context.Required(tag)}@{name}"), ("version", bundle.Version), ("policy hash", bundle.PolicyHash),
                    ("running", runs == bundle.PolicyHash ? "the same" : $"{runs}: bring the fleet there with 'rollout start' or 'baseline rollback'")));
            return ExitCodes.Ok;
        });
    }

    private static Command List(CliHost host)
    {
        var fleet = new Option<string?>("--fleet") { Description = "Only this fleet." };
        var all = new Option<bool>("--all") { Description = "Every move there was, not only the last of each tag." };
        return new Command("ls", "Where the tags of the fleets point, by whom and why.") { fleet, all }.Does(host, async (context, cancellationToken) =>
        {
            var moves = (await context.Client.ListTagsAsync(cancellationToken))
                .Where(tag => tag.Fleet is not null && (context.Get(fleet) ?? tag.Fleet) == tag.Fleet);
            IReadOnlyList<TagRecord> shown = [.. context.Get(all) ? moves : moves.DistinctBy(tag => (tag.Tag, tag.Fleet)).OrderBy(tag => (tag.Fleet, tag.Tag))];
            context.Output.Answer(shown, o =>
            {
                var table = Show.Table("fleet", "tag", "policy hash", "since", "by", "why");
                foreach (var tag in shown)
                {
                    table.Row(tag.Fleet, tag.Tag, Show.Hash(tag.PolicyHash), Show.Time(tag.At), tag.By, tag.Reason);
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static Command RollBack(CliHost host)
    {
        var fleet = FleetOption();
        var to = new Option<string?>("--to") { Description = "A bundle that the whole fleet ran before, or a run that ran under it (default: the last good one).", HelpName = "ref|run-id" };
        var expired = new Option<bool>("--allow-expired") { Description = "Take a bundle that has expired." };
        var (reason, wait) = (ReasonOption.Create(), ReturnWatch.Option());
        return new Command("rollback", "Bring the whole fleet back at once: a fast-track, which no limit holds up.") { fleet, to, expired, reason, wait }
            .Does(host, async (context, cancellationToken) =>
            {
                var reference = context.Get(to) is { } text ? (await FindAsync(context, text, cancellationToken)).PolicyHash : null;
                var begun = await context.Client.RollBackFleetAsync(
                    context.Required(fleet), context.Required(reason), reference, context.Get(expired), Guid.NewGuid().ToString("N"), cancellationToken);
                return await ReturnWatch.RunAsync(context, begun, context.Get(wait), cancellationToken);
            });
    }

    // A reference first: only what is none can be meant as a run.
    private static async Task<BundleRecord> FindAsync(CliContext context, string text, CancellationToken cancellationToken)
    {
        try
        {
            return await context.Client.GetBundleAsync(text, cancellationToken);
        }
        catch (PolicyApiException e) when (e.Code == "bundle.unknown" && !text.Contains(':', StringComparison.Ordinal))
        {
            return await context.Client.GetBundleAsync("run:" + text, cancellationToken);
        }
    }

    private static Argument<string> TargetArgument() =>
        new("ref|run-id") { Description = "A hash, a version, tag:NAME, tag:NAME@FLEET, or the id of a run: the policy that it ran under." };

    private static Option<string> FleetOption() => new("--fleet") { Description = "The fleet.", Required = true };
}
