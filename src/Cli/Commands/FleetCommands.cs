using System.CommandLine;
using System.Globalization;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl fleet</c>: create fleets, give them a baseline, look at them.</summary>
internal static class FleetCommands
{
    /// <summary>How often a wait looks.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    public static Command Create(CliHost host) => new("fleet", "Create fleets, give them a baseline, look at them.")
    {
        New(host), List(host), Baseline(host), Status(host), Nodes(host), Convergence(host), Why(host),
        FleetReturnCommands.RollBack(host), FleetReturnCommands.Quarantine(host), FleetReturnCommands.RaiseEpoch(host),
    };

    private static Argument<string> FleetArgument() => new("fleet") { Description = "The fleet." };

    private static Command New(CliHost host)
    {
        var fleet = FleetArgument();
        var armed = new Option<bool?>("--requires-armed") { Description = "Whether nodes serve only while somebody armed them (true or false; default false)." };
        var lease = new Option<string?>("--lease") { Description = "Seconds a node serves without hearing anything, 10 to 45, or 'off' (default 45)." };
        var report = new Option<double?>("--report-interval") { Description = "Seconds between a node's reports, 0.2 to 7 (default 5)." };
        var ttl = new Option<int?>("--node-ttl") { Description = "Seconds after which a node that is not heard has left (default 86400)." };
        return new Command("create", "Create a fleet, or change its settings: what is not given stays as it is, or is the default of a new fleet.")
        {
            fleet, armed, lease, report, ttl,
        }.Does(host, async (context, cancellationToken) =>
        {
            var leaseSec = ReadLease(context.Get(lease));
            var known = await FindSettingsAsync(context, context.Get(fleet), cancellationToken) ?? new FleetSettings();
            var settings = known with
            {
                RequiresArmed = context.Get(armed) ?? known.RequiresArmed,
                MaxStalenessSec = context.Get(lease) is null ? known.MaxStalenessSec : leaseSec,
                ReportIntervalSec = context.Get(report) ?? known.ReportIntervalSec,
                NodeTtlSec = context.Get(ttl) ?? known.NodeTtlSec,
            };
            var made = await context.Client.ConfigureFleetAsync(context.Get(fleet), settings, null, cancellationToken);
            context.Output.Answer(made, o => PrintFleet(o, made));
            return ExitCodes.Ok;
        });
    }

    /// <summary>The seconds of a lease; null: leases are off, or nothing was said.</summary>
    private static int? ReadLease(string? text) => text switch
    {
        null or "off" => null,
        _ when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) => seconds,
        _ => throw CliException.Usage($"--lease is a whole number of seconds or 'off', not '{text}'."),
    };

    /// <summary>The settings of a fleet that is there: a PUT replaces all of them.</summary>
    private static async Task<FleetSettings?> FindSettingsAsync(CliContext context, string fleet, CancellationToken cancellationToken)
    {
        try
        {
            return (await context.Client.GetFleetAsync(fleet, cancellationToken)).Settings;
        }
        catch (PolicyApiException e) when (e.Code == "fleet.unknown")
        {
            return null;
        }
    }

    private static Command List(CliHost host) => new Command("ls", "All fleets.").Does(host, async (context, cancellationToken) =>
    {
        var fleets = await context.Client.ListFleetsAsync(cancellationToken);
        context.Output.Answer(fleets, o =>
        {
            var table = Cli.Show.Table("fleet", "epoch", "target", "fallback", "share", "nodes");
            foreach (var f in fleets)
            {
                table.Row(
                    f.Fleet, Cli.Show.Number(f.Directive.Epoch), Cli.Show.Hash(f.Directive.Target), Cli.Show.Hash(f.Directive.Fallback),
                    Cli.Show.Percent(f.Directive.Percentage), Counts(f));
            }

            o.Table(table);
        });
        return ExitCodes.Ok;
    });

    private static Command Baseline(CliHost host)
    {
        var fleet = FleetArgument();
        var reference = new Argument<string>("ref") { Description = "A hash, a version or tag:NAME." };
        var reason = ReasonOption.Create();
        var wait = Waiting.Option();
        return new Command("baseline", "Give a fleet its first bundle.") { fleet, reference, reason, wait }.Does(host, async (context, cancellationToken) =>
        {
            var answer = await Waiting.ForAdmissionAsync(
                context,
                context.Get(wait),
                client => client.SetBaselineAsync(context.Get(fleet), context.Get(reference), context.Required(reason), null, cancellationToken),
                cancellationToken);
            context.Output.Answer(answer, o => o.Line($"{context.Get(reference)} is the baseline of {context.Get(fleet)}."));
            return ExitCodes.Ok;
        });
    }

    private static Command Status(CliHost host)
    {
        var fleet = FleetArgument();
        return new Command("status", "A fleet's settings, directive and nodes by state.") { fleet }.Does(host, async (context, cancellationToken) =>
        {
            var found = await context.Client.GetFleetAsync(context.Get(fleet), cancellationToken);
            context.Output.Answer(found, o => PrintFleet(o, found));
            return ExitCodes.Ok;
        });
    }

    private static Command Nodes(CliHost host)
    {
        var fleet = FleetArgument();
        return new Command("nodes", "A fleet's nodes with what they last said.") { fleet }.Does(host, async (context, cancellationToken) =>
        {
            var nodes = await context.Client.ListNodesAsync(context.Get(fleet), cancellationToken);
            context.Output.Answer(nodes, o =>
            {
                var table = Cli.Show.Table("node", "state", "version", "policy hash", "epoch", "domain", "last report", "error");
                foreach (var n in nodes)
                {
                    table.Row(
                        n.Node, Cli.Show.Word(n.State), n.Version, Cli.Show.Hash(n.PolicyHash), Cli.Show.Number(n.Epoch), n.FailureDomain,
                        Cli.Show.Time(n.LastReportAt), n.Error ?? "");
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static Command Convergence(CliHost host)
    {
        var fleet = FleetArgument();
        var hash = new Option<string?>("--hash") { Description = "The policy hash (default: the fleet's target)." };
        var seconds = new Option<int>("--within") { Description = "Wait so many seconds for it at most.", DefaultValueFactory = _ => 0 };
        return new Command("convergence", "Whether every node is proven to run a hash. Exit code 1: not so.") { fleet, hash, seconds }
            .Does(host, async (context, cancellationToken) =>
            {
                var wanted = context.Get(hash) ?? (await context.Client.GetFleetAsync(context.Get(fleet), cancellationToken)).Directive.Target
                    ?? throw new CliException(ExitCodes.No, "fleet.no_bundle", "The fleet has no bundle yet.");
                var until = DateTime.UtcNow.AddSeconds(context.Get(seconds));
                Fleets.Convergence found;
                while (!(found = await context.Client.GetConvergenceAsync(context.Get(fleet), wanted, cancellationToken)).Converged
                    && DateTime.UtcNow < until)
                {
                    await Task.Delay(LookInterval, cancellationToken);
                }

                context.Output.Answer(found, o => o.Facts(
                    ("converged", found.Converged ? "yes" : "no"), ("policy hash", found.PolicyHash), ("on it", $"{found.OnHash} of {found.Total}"),
                    ("not on it", Names(found.NotOnHash)), ("unknown", Names(found.Unknown)), ("fenced", Names(found.Fenced)),
                    ("at", Cli.Show.Time(found.At))));
                return found.Converged ? ExitCodes.Ok : ExitCodes.No;
            });
    }

    private static Command Why(CliHost host)
    {
        var fleet = FleetArgument();
        return new Command("why", "Why a fleet stands where it stands.") { fleet }.Does(host, async (context, cancellationToken) =>
        {
            var why = await context.Client.WhyFleetAsync(context.Get(fleet), cancellationToken);
            context.Output.Answer(why, o => o.Why(why));
            return ExitCodes.Ok;
        });
    }

    private static void PrintFleet(CliOutput output, FleetSnapshot fleet)
    {
        var (settings, directive) = (fleet.Settings, fleet.Directive);
        output.Facts(
            ("fleet", fleet.Fleet),
            ("lease", settings.MaxStalenessSec is { } lease ? $"{lease} s" : "off: nothing bounds a rollback"),
            ("armed gate", settings.RequiresArmed ? "on: nodes serve only while armed" : "off"),
            ("report interval", $"{Cli.Show.Number(settings.ReportIntervalSec)} s"),
            ("node ttl", $"{Cli.Show.Number(settings.NodeTtlSec)} s"),
            ("epoch", Cli.Show.Number(directive.Epoch)),
            ("target", directive.Target),
            ("fallback", directive.Fallback),
            ("share", directive.Fallback is null ? null : Cli.Show.Percent(directive.Percentage)),
            ("nodes", Counts(fleet)),
            ("behind", fleet.EpochBehind is { } known ? $"epoch {known} was in force: no leases until the epoch is raised above it" : null));
    }

    private static string Counts(FleetSnapshot fleet) =>
        fleet.Nodes.Count == 0 ? "none" : string.Join(", ", fleet.Nodes.Select(n => $"{n.Value} {n.Key}"));

    private static string? Names(IReadOnlyCollection<string> nodes) =>
        nodes.Count == 0 ? null : $"{nodes.Count}: {string.Join(", ", nodes.Take(10))}{(nodes.Count > 10 ? ", …" : "")}";
}
