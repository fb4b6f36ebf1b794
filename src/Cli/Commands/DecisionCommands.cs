using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl decisions</c>: what nodes decided.</summary>
internal static class DecisionCommands
{
    private const int NewestMax = 1000;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    public static Command Create(CliHost host) => new("decisions", "What the nodes of a fleet decided, where they log it.")
    {
        Export(host), Tail(host),
    };

    private static Option<string> FleetOption() => new("--fleet") { Description = "The fleet.", Required = true };

    private static Option<string?> NodeOption() => new("--node") { Description = "Of this node alone." };

    private static Command Export(CliHost host)
    {
        var fleet = FleetOption();
        var node = NodeOption();
        var from = TimeOption("--from", "Decided at or after.");
        var to = TimeOption("--to", "Decided before.");
        return new Command("export", "Every record as a line of JSON: a log that 'policyctl replay' reads.") { fleet, node, from, to }.Does(host, async (context, cancellationToken) =>
        {
            var query = new DecisionLogQuery(context.Get(from), context.Get(to), context.Get(node));
            await foreach (var record in context.Client.ExportDecisionsAsync(context.Required(fleet), query, cancellationToken))
            {
                await WriteAsync(host, record);
            }

            return ExitCodes.Ok;
        });
    }

    private static Command Tail(CliHost host)
    {
        var fleet = FleetOption();
        var node = NodeOption();
        var count = new Option<int>("-n", "--lines") { Description = $"Begin with the newest so many, up to {NewestMax}.", DefaultValueFactory = _ => 10 };
        var once = new Option<bool>("--no-follow") { Description = "End then, instead of waiting for more." };
        return new Command("tail", "The newest records, and those to come until Ctrl-C. What was taken within the last five seconds is not among them yet.")
        {
            fleet, node, count, once,
        }.Does(host, async (context, cancellationToken) =>
        {
            var query = new DecisionLogQuery(Node: context.Get(node));
            var newest = Math.Clamp(context.Get(count), 1, NewestMax);
            var page = await context.Client.ReadNewestDecisionsAsync(context.Required(fleet), newest, query, cancellationToken);
            while (true)
            {
                foreach (var record in page.Records)
                {
                    if (context.Output.IsJson)
                    {
                        await WriteAsync(host, record);
                    }
                    else
                    {
                        context.Output.Line(Sentence(record));
                    }
                }

                if (context.Get(once))
                {
                    return ExitCodes.Ok;
                }

                if (!page.More)
                {
                    await Task.Delay(LookEvery, cancellationToken);
                }

                page = await context.Client.ReadDecisionsAsync(context.Required(fleet), query, page.Next, cancellationToken: cancellationToken);
            }
        });
    }

    private static Option<DateTimeOffset?> TimeOption(string name, string description) => new(name)
    {
        Description = description + " A moment such as 2026-11-21T09:00:00Z.",
        HelpName = "time",
        CustomParser = result =>
        {
            if (DateTimeOffset.TryParse(result.Tokens.Single().Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                return time;
            }

            result.AddError($"'{result.Tokens.Single().Value}' is no moment such as 2026-11-21T09:00:00Z.");
            return null;
        },
    };

    // As it came: written anew, a text with half a surrogate pair would have no form.
    private static async Task WriteAsync(CliHost host, JsonElement record) => await host.Out.WriteLineAsync(record.GetRawText());

    private static string Sentence(JsonElement record)
    {
        if (record.TryGetProperty("lost", out var lost))
        {
            return $"{Text(record, "at")}  {Text(record, "node")}  {lost.GetProperty("count")} records are missing, from {Text(lost, "from")} on";
        }

        var decision = record.GetProperty("decision");
        var answer = decision.GetProperty("allowed").GetBoolean() ? "allow  " : decision.GetProperty("require_confirmation").GetBoolean() ? "confirm" : "deny   ";
        return $"{Text(record, "at")}  {Text(record, "node")}  {answer}  {Text(record, "capability_id")}  {Text(decision, "reason")}  {Text(record, "policy_version")}";
    }

    // The escapes stay, and what is left of control characters goes: whoever writes into a log must not write on a terminal.
    private static string Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        ? string.Concat(value.GetRawText()[1..^1].Select(letter => char.IsControl(letter) ? '?' : letter))
        : "-";
}
