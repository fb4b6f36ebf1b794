using System.CommandLine;
using System.Globalization;
using OrleansPolicy.Arming;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl disarm</c> and <c>policyctl arm</c>.</summary>
internal static class ArmCommands
{
    private const int NamedMax = 20;

    public static Command Disarm(CliHost host)
    {
        var (target, reason, wait) = (new TargetOptions(), ReasonOption.Demand(), WaitOption());
        var emergency = new Option<bool?>("--emergency") { Description = "Arming again takes two people (default: with --tenant-wide and --all); =false for not." };
        var command = new Command("disarm", "Let a node, a fleet, a tenant or everything serve nothing until it is armed.") { reason, wait, emergency };
        target.AddTo(command);
        return command.Does(host, async (context, cancellationToken) =>
        {
            var said = await context.Client.DisarmAsync(
                target.Read(context), context.Required(reason), context.Get(emergency), TimeSpan.FromSeconds(context.Get(wait)), cancellationToken: cancellationToken);
            context.Output.Answer(said, o =>
            {
                o.Line($"Disarmed under arm epoch {said.ArmEpoch}: {said.Confirmed} of {said.Confirmed + said.UnconfirmedCount} nodes have stopped.");
                if (said.UnconfirmedCount > 0)
                {
                    o.Line(said.InForceBy is { } by
                        ? string.Create(CultureInfo.InvariantCulture, $"The others are certain to have by {by:HH:mm:ss} UTC: {Names(said)}")
                        : $"Nothing bounds the others, because leases are off: {Names(said)}");
                }
            });
            return said.UnconfirmedCount == 0 ? ExitCodes.Ok : ExitCodes.No;
        });
    }

    public static Command Arm(CliHost host)
    {
        var (target, reason, wait) = (new TargetOptions(), ReasonOption.Demand(), WaitOption());
        var pending = new Option<string?>("--pending") { Description = "As the second person after an emergency: the id that the first one was given." };
        var command = new Command("arm", "Let a node, a fleet, a tenant or everything serve, as far as nothing else disarms it.") { reason, wait, pending };
        target.AddTo(command);
        return command.Does(host, async (context, cancellationToken) =>
        {
            var said = await context.Client.ArmAsync(
                target.Read(context), context.Required(reason), context.Get(pending), TimeSpan.FromSeconds(context.Get(wait)), cancellationToken: cancellationToken);
            context.Output.Answer(said, o => o.Line(said.PendingId is { } id
                ? $"It was disarmed in an emergency: another person arms it with --pending {id} within the hour."
                : $"Armed under arm epoch {said.ArmEpoch}: {said.Confirmed} of {said.Confirmed + said.UnconfirmedCount} nodes follow."
                    + (said.UnconfirmedCount > 0 ? $" Not yet: {Names(said)}" : "")));
            return said is { PendingId: null, UnconfirmedCount: 0 } ? ExitCodes.Ok : ExitCodes.No;
        });
    }

    private static string Names(ArmAnswer said) => string.Join(", ", said.Unconfirmed.Take(NamedMax)) + (said.UnconfirmedCount > NamedMax ? ", …" : "");

    private static Option<double> WaitOption() => new("--wait") { Description = "Seconds to wait for the nodes' word, at most 60.", DefaultValueFactory = _ => 5 };

    /// <summary>Exactly one of the four scopes.</summary>
    private sealed class TargetOptions
    {
        private readonly Option<string?> _fleet = new("--fleet", "-f") { Description = "A fleet; with --node one node of it." };
        private readonly Option<string?> _node = new("--node") { Description = "A node of --fleet." };
        private readonly Option<bool> _tenant = new("--tenant-wide") { Description = "Every fleet of the tenant." };
        private readonly Option<bool> _all = new("--all") { Description = "Every fleet of every tenant; for installation admins." };

        public void AddTo(Command command)
        {
            command.Add(_fleet);
            command.Add(_node);
            command.Add(_tenant);
            command.Add(_all);
        }

        public ArmTarget Read(CliContext context) => (context.Get(_fleet), context.Get(_node), context.Get(_tenant), context.Get(_all)) switch
        {
            ({ } fleet, null, false, false) => ArmTarget.Fleet(fleet),
            ({ } fleet, { } node, false, false) => ArmTarget.Node(fleet, node),
            (null, null, true, false) => ArmTarget.Tenant,
            (null, null, false, true) => ArmTarget.Everything,
            _ => throw CliException.Usage("Name one scope: --fleet F, --fleet F --node N, --tenant-wide or --all."),
        };
    }
}
