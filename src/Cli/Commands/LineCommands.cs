using System.CommandLine;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl line</c>: one switch for all rollouts of a tenant.</summary>
internal static class LineCommands
{
    public static Command Create(CliHost host) => new("line", "One switch for all rollouts of the tenant: stopped, none starts or goes forward.")
    {
        Status(host),
        Act(host, "stop", "Stop it. What runs stays where it is; rollback, pause and disarm go on working.", (client, reason, token) => client.StopLineAsync(reason, token)),
        Act(host, "release", "Release it: rollouts go on where they stand.", (client, reason, token) => client.ReleaseLineAsync(reason, token)),
    };

    private static Command Status(CliHost host) => new Command("status", "Whether it is stopped, by whom and why.").Does(host, async (context, cancellationToken) =>
    {
        var line = await context.Client.GetLineAsync(cancellationToken);
        context.Output.Answer(line, o => Print(o, line));
        return ExitCodes.Ok;
    });

    private static Command Act(
        CliHost host, string name, string description, Func<PolicyClient, string, CancellationToken, Task<LineAnswer>> act)
    {
        var reason = ReasonOption.Demand();
        return new Command(name, description) { reason }.Does(host, async (context, cancellationToken) =>
        {
            var line = await act(context.Client, context.Required(reason), cancellationToken);
            context.Output.Answer(line, o => Print(o, line));
            return ExitCodes.Ok;
        });
    }

    private static void Print(CliOutput output, LineAnswer line) => output.Facts(
    [
        ("line", line.Stopped ? "stopped" : "runs"), ("by", line.By), ("since", line.Stopped ? Show.Time(line.Since) : null), ("reason", line.Reason),
    ]);
}
