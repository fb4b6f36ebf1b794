using System.CommandLine;
using System.Text.Json;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl events</c>.</summary>
internal static class EventCommands
{
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(1);

    public static Command Create(CliHost host)
    {
        var after = new Option<long?>("--after") { Description = "A place in the audit from which on to begin (default: now)." };
        return new Command("events", "What happens in the tenant, as it happens: refused decisions, rollouts, arms and disarms.") { after }
            .Does(host, async (context, cancellationToken) =>
            {
                var last = context.Get(after);
                while (true)
                {
                    try
                    {
                        await foreach (var happened in context.Client.FollowEventsAsync(last, cancellationToken))
                        {
                            last = happened.Seq ?? last;
                            context.Output.Answer(happened, o => o.Line(Line(happened)));
                        }
                    }
                    catch (PolicyUnreachableException e) when (last is not null)
                    {
                        // It goes on where it stopped; what nobody keeps is lost meanwhile.
                        context.Output.Note(e.Message);
                    }

                    await Task.Delay(AgainAfter, cancellationToken);
                }
            });
    }

    private static string Line(TenantEvent happened)
    {
        var data = happened.Data;
        return happened.Name == "rejection"
            ? $"{At()}  rejection  {Text("fleet")}/{Text("node")}  {Text("reason")} x {Text("count")}  expected {Text("expected_policy_hash")}, got {Text("got_policy_hash")}"
            : $"{At()}  {happened.Name}  {Text("subject")}  {Text("code")}  {Text("actor")}: {Text("reason")}";

        string At() => data.TryGetProperty("at", out var at) && at.TryGetDateTimeOffset(out var time) ? Show.Time(time) : "-";

        string Text(string name) => !data.TryGetProperty(name, out var value) ? "-" : value.ValueKind == JsonValueKind.String ? value.GetString()! : value.ToString();
    }
}
