using System.CommandLine;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl node</c>: run a real agent, look at nodes.</summary>
internal static class NodeCommands
{
    public static Command Create(CliHost host) => new("node", "Run a node, look at nodes.")
    {
        Run(host), Show(host), Remove(host),
    };

    private static Option<string> FleetOption() => new("--fleet") { Description = "The fleet.", Required = true };

    private static Command Run(CliHost host)
    {
        var node = new Argument<string>("node") { Description = "The node's name." };
        var fleet = FleetOption();
        var trust = new Option<string?>("--trust") { Description = "The trust root given at install.", HelpName = "file" };
        var pin = new Option<string?>("--trust-sha256") { Description = "Its hash instead (policyctl trust hash)." };
        var domain = new Option<string>("--domain") { Description = "The failure domain.", DefaultValueFactory = _ => "default" };
        var group = new Option<string?>("--group") { Description = "Its parity group: nodes that run the same bundle or none serves.", HelpName = "name" };
        var role = new Option<string?>("--role") { Description = "Its part in that group, such as brain or execution.", HelpName = "name" };
        var log = new Option<DecisionLogLoss?>("--decision-log")
        {
            Description = "Write decisions down, to the control plane: drop (and count), block or spill (to --decision-log-folder) where that cannot be done fast enough.",
        };
        var folder = new Option<string?>("--decision-log-folder")
        {
            Description = "With spill: where records wait. Else: write files of JSON lines there instead of sending them.",
            HelpName = "folder",
        };
        var command = new Command(
            "run",
            "Run one real node until Ctrl-C: it registers, loads what its directive demands and reports. Lines of "
            + "{\"capability_id\": …, \"context\": {…}} on standard input are decided, one line of JSON each.")
        {
            node, fleet, trust, pin, domain, group, role, log, folder,
        };
        return command.Does(host, (context, cancellationToken) => NodeRun.RunAsync(
            context,
            new NodeRun.Request(
                context.Get(node), context.Required(fleet), context.Get(trust), context.Get(pin), context.Required(domain),
                context.Get(group), context.Get(role),
                context.Get(log) is { } loss ? LogOptions(loss, context.Get(folder)) : null),
            cancellationToken));
    }

    private static DecisionLogOptions LogOptions(DecisionLogLoss loss, string? folder) => loss == DecisionLogLoss.Spill
        ? new DecisionLogOptions { Loss = loss, SpillFolder = folder ?? throw CliException.Usage("--decision-log spill needs --decision-log-folder.") }
        : new DecisionLogOptions { Loss = loss, Folder = folder };

    private static Command Show(CliHost host)
    {
        var node = new Argument<string>("node") { Description = "The node." };
        var fleet = FleetOption();
        return new Command("status", "One node with its last ten reloads.") { node, fleet }.Does(host, async (context, cancellationToken) =>
        {
            var found = await context.Client.GetNodeAsync(context.Required(fleet), context.Get(node), cancellationToken);
            context.Output.Answer(found, o =>
            {
                o.Facts(
                    ("node", found.Node), ("state", Cli.Show.Word(found.State)), ("version", found.Version), ("policy hash", found.PolicyHash),
                    ("epoch", Cli.Show.Number(found.Epoch)), ("last report", Cli.Show.Time(found.LastReportAt)), ("error", found.Error));
                if (found.History.Length == 0)
                {
                    return;
                }

                var table = Cli.Show.Table("at", "version", "took", "result");
                foreach (var reload in found.History)
                {
                    table.Row(
                        Cli.Show.Time(reload.At), reload.Version, $"{Cli.Show.Number(reload.DurationMs)} ms", reload.Success ? "in force" : reload.Error);
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static Command Remove(CliHost host)
    {
        var node = new Argument<string>("node") { Description = "The node." };
        var fleet = FleetOption();
        return new Command("rm", "Take a node out of its fleet.") { node, fleet }.Does(host, async (context, cancellationToken) =>
        {
            await context.Client.RemoveNodeAsync(context.Required(fleet), context.Get(node), cancellationToken);
            context.Output.Answer(new { Removed = context.Get(node) }, o => o.Line($"{context.Get(node)} is out of {context.Required(fleet)}."));
            return ExitCodes.Ok;
        });
    }
}
