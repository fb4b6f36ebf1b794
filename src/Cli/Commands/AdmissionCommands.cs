using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using OrleansPolicy.Admission;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl admission</c>: how often the tenant may update its policy.</summary>
internal static class AdmissionCommands
{
    private const string EachOne = "*";

    public static Command Create(CliHost host) => new("admission", "How often the tenant may update its policy.")
    {
        Show(host), List(host), Config(host), Cost(host),
    };

    private static Command Show(CliHost host)
    {
        var fleet = new Option<string?>("--fleet") { Description = "For an update of this fleet." };
        return new Command("show", "The limit that binds, and when the next update is admitted. Exit code 1: not now.") { fleet }
            .Does(host, async (context, cancellationToken) =>
            {
                var answer = await context.Client.PeekAdmissionAsync(context.Get(fleet), cancellationToken);
                context.Output.Answer(answer, o => Print(o, answer));
                return answer.Allowed ? ExitCodes.Ok : ExitCodes.No;
            });
    }

    private static Command List(CliHost host) => new Command("ls", "All limits and costs in force.").Does(host, async (context, cancellationToken) =>
    {
        var limits = await context.Client.ReadAdmissionLimitsAsync(cancellationToken);
        context.Output.Answer(limits, o => Print(o, limits));
        return ExitCodes.Ok;
    });

    private static Command Config(CliHost host)
    {
        var perMinute = new Option<double>("--per-minute") { Description = "Updates a minute.", DefaultValueFactory = _ => 10 };
        var interval = new Option<double>("--min-interval") { Description = "Seconds between two updates.", DefaultValueFactory = _ => 6 };
        var fleet = new Option<string?>("--fleet") { Description = "The limit of this fleet; * is each fleet without one of its own." };
        var subject = new Option<string?>("--operator") { Description = "The limit of this operator, by the subject of the keys; * is each one without one." };
        var remove = new Option<bool>("--remove") { Description = "Take the limit of the fleet or operator away." };
        return new Command("config", "Change a limit: the tenant's, a fleet's or an operator's.") { perMinute, interval, fleet, subject, remove }
            .Does(host, async (context, cancellationToken) =>
            {
                var limit = context.Get(remove) ? null : new UpdateLimit(context.Get(perMinute), context.Get(interval));
                var known = await context.Client.ReadAdmissionLimitsAsync(cancellationToken);
                var changed = (context.Get(fleet), context.Get(subject)) switch
                {
                    (null, null) when limit is null => throw CliException.Usage("A tenant always has a limit: --remove needs --fleet or --operator."),
                    (null, null) => known with { MaxUpdatesPerMinute = limit.MaxUpdatesPerMinute, MinIntervalSec = limit.MinIntervalSec },
                    (EachOne, null) => known with { Fleet = limit },
                    ({ } name, null) => known with { Fleets = Set(known.Fleets, name, limit) },
                    (null, EachOne) => known with { Operator = limit },
                    (null, { } name) => known with { Operators = Set(known.Operators, name, limit) },
                    _ => throw CliException.Usage("Give --fleet or --operator, not both."),
                };
                return await PutAsync(context, changed, cancellationToken);
            });
    }

    private static Command Cost(CliHost host)
    {
        var operation = new Argument<string>("operation") { Description = $"One of: {string.Join(", ", AdmissionDemand.Operations)}." };
        var cost = new Argument<double>("tokens") { Description = "How many tokens it takes; 1 unless set." };
        return new Command("cost", "Change what an operation costs.") { operation, cost }.Does(host, async (context, cancellationToken) =>
        {
            var known = await context.Client.ReadAdmissionLimitsAsync(cancellationToken);
            var costs = (known.Costs ?? ImmutableSortedDictionary<string, double>.Empty).SetItem(context.Get(operation), context.Get(cost));
            return await PutAsync(context, known with { Costs = costs }, cancellationToken);
        });
    }

    private static async Task<int> PutAsync(CliContext context, UpdateLimits limits, CancellationToken cancellationToken)
    {
        await context.Client.ConfigureAdmissionAsync(limits, null, cancellationToken);
        context.Output.Answer(limits, o => Print(o, limits));
        return ExitCodes.Ok;
    }

    private static ImmutableSortedDictionary<string, UpdateLimit>? Set(ImmutableSortedDictionary<string, UpdateLimit>? limits, string name, UpdateLimit? limit)
    {
        var known = limits ?? ImmutableSortedDictionary<string, UpdateLimit>.Empty;
        return limit is null ? known.Remove(name) : known.SetItem(name, limit);
    }

    private static void Print(CliOutput output, AdmissionAnswer answer) => output.Facts(
        ("now", answer.Allowed ? "an update is admitted" : $"not before {Cli.Show.Number(answer.TimeUntilNextSec)} s"),
        ("limit of", answer.Scope),
        ("tokens", $"{Cli.Show.Number(answer.Tokens)} of {Cli.Show.Number(answer.Limit)}"),
        ("min interval", $"{Cli.Show.Number(answer.MinIntervalSec)} s"));

    private static void Print(CliOutput output, UpdateLimits limits)
    {
        var table = Cli.Show.Table("limit of", "updates a minute", "min interval");
        (string Scope, UpdateLimit? Limit)[] rows =
        [
            ("the tenant", limits.Tenant), ("each fleet", limits.Fleet), ("each operator", limits.Operator),
            .. Named("fleet", limits.Fleets), .. Named("operator", limits.Operators),
        ];
        foreach (var (scope, limit) in rows.Where(row => row.Limit is not null))
        {
            table.Row(scope, Cli.Show.Number(limit!.MaxUpdatesPerMinute), Cli.Show.Number(limit.MinIntervalSec) + " s");
        }

        output.Table(table);
        foreach (var (operation, cost) in limits.Costs ?? ImmutableSortedDictionary<string, double>.Empty)
        {
            output.Line(string.Create(CultureInfo.InvariantCulture, $"{operation} costs {cost}"));
        }
    }

    private static IEnumerable<(string Scope, UpdateLimit? Limit)> Named(string kind, ImmutableSortedDictionary<string, UpdateLimit>? limits) =>
        limits?.Select(one => ($"{kind} {one.Key}", (UpdateLimit?)one.Value)) ?? [];
}
