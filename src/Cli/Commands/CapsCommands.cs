using System.CommandLine;
using System.Globalization;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl caps</c>: how much of a tenant may be on its way at a time.</summary>
internal static class CapsCommands
{
    public static Command Create(CliHost host) => new("caps", "How much of the tenant may be on its way at a time. Nothing keeps anything from going back.")
    {
        Status(host), Set(host), Remove(host),
    };

    private static Command Status(CliHost host) => new Command("status", "The caps, by whom and why.").Does(host, async (context, cancellationToken) =>
    {
        var caps = await context.Client.GetCapsAsync(cancellationToken);
        context.Output.Answer(caps, o => Print(o, caps));
        return ExitCodes.Ok;
    });

    private static Command Set(CliHost host)
    {
        var rollouts = new Option<int?>("--max-concurrent-rollouts") { Description = "No rollout starts while so many are in flight (default: any number may be)." };
        var nodes = new Option<int?>("--max-nodes-per-failure-domain")
        {
            Description = "A stage below 100 % takes at most so many nodes of one failure domain (default: as the plan says).",
        };
        var reason = ReasonOption.Demand();
        return new Command("set", "Set them, in the place of those before. What is not given is not capped.") { rollouts, nodes, reason }
            .Does(host, async (context, cancellationToken) =>
            {
                var caps = await context.Client.SetCapsAsync(context.Get(rollouts), context.Get(nodes), context.Required(reason), cancellationToken);
                context.Output.Answer(caps, o => Print(o, caps));
                return ExitCodes.Ok;
            });
    }

    private static Command Remove(CliHost host)
    {
        var reason = ReasonOption.Demand();
        return new Command("rm", "Take them away.") { reason }.Does(host, async (context, cancellationToken) =>
        {
            await context.Client.RemoveCapsAsync(context.Required(reason), cancellationToken);
            context.Output.Answer(new { Removed = true }, o => o.Line("The caps are taken away."));
            return ExitCodes.Ok;
        });
    }

    private static void Print(CliOutput output, CapsAnswer caps) => output.Facts(
    [
        ("rollouts in flight", Most(caps.MaxConcurrentRollouts, "any number")),
        ("nodes per failure domain", Most(caps.MaxNodesPerFailureDomain, "as the plan says")),
        ("by", caps.SetBy), ("since", caps.SetAt is null ? null : Show.Time(caps.SetAt)), ("reason", caps.Reason),
    ]);

    private static string Most(int? cap, string none) => cap is { } limit ? "at most " + limit.ToString(CultureInfo.InvariantCulture) : none;
}
