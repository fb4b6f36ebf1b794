using System.Collections.Immutable;
using System.CommandLine;
using OrleansPolicy.Runs;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl run</c>: what ran, tied to the exact policy it ran under.</summary>
internal static class RunCommands
{
    public static Command Create(CliHost host) => new("run", "Evidence: what ran, tied to the exact policy it ran under.")
    {
        Record(host), Show(host), List(host),
    };

    private static Command Record(CliHost host)
    {
        var id = new Argument<string>("run-id") { Description = "The run." };
        var reference = new Option<string?>("--ref") { Description = "The policy it ran under (default: what the fleet should run)." };
        var fleet = new Option<string?>("--fleet") { Description = "The fleet it ran in (default: 'default')." };
        var registry = new Option<string?>("--registry-hash") { Description = "The metric registry it ran with.", HelpName = "hash" };
        var labels = new Option<string[]>("--label") { Description = "A further fact; may be given several times.", HelpName = "name=value" };
        return new Command("record", "Record a run; the same again changes nothing.") { id, reference, fleet, registry, labels }
            .Does(host, async (context, cancellationToken) =>
            {
                var facts = (context.Get(labels) ?? []).Select(text => text.Split('=', 2) is [{ Length: > 0 } name, var value]
                    ? KeyValuePair.Create(name, value)
                    : throw CliException.Usage($"A label is NAME=VALUE, not '{text}'.")).ToImmutableSortedDictionary();
                var run = await context.Client.RecordRunAsync(
                    new RunRequest(
                        context.Get(id), Ref: context.Get(reference), Fleet: context.Get(fleet), RegistryHash: context.Get(registry),
                        Labels: facts.IsEmpty ? null : facts),
                    null, cancellationToken);
                context.Output.Answer(run, o => Print(o, run));
                return ExitCodes.Ok;
            });
    }

    private static Command Show(CliHost host)
    {
        var id = new Argument<string>("run-id") { Description = "The run." };
        return new Command("show", "One run. Exit code 1: there is none.") { id }.Does(host, async (context, cancellationToken) =>
        {
            if (await context.Client.FindRunAsync(context.Get(id), cancellationToken) is not { } run)
            {
                context.Output.Error("run.unknown", $"There is no run {context.Get(id)}.");
                return ExitCodes.No;
            }

            context.Output.Answer(run, o => Print(o, run));
            return ExitCodes.Ok;
        });
    }

    private static Command List(CliHost host)
    {
        var reference = new Option<string?>("--ref") { Description = "Only those under this policy." };
        return new Command("ls", "The newest runs, newest first.") { reference }.Does(host, async (context, cancellationToken) =>
        {
            var hash = context.Get(reference) is { } wanted ? (await context.Client.GetBundleAsync(wanted, cancellationToken)).PolicyHash : null;
            var runs = await context.Client.ListRunsAsync(hash, cancellationToken);
            context.Output.Answer(runs, o =>
            {
                var table = Cli.Show.Table("run", "version", "policy hash", "registry hash", "fleet", "recorded", "by");
                foreach (var run in runs)
                {
                    table.Row(
                        run.RunId, run.PolicyVersion, Cli.Show.Hash(run.PolicyHash), Cli.Show.Hash(run.RegistryHash), run.Fleet,
                        Cli.Show.Time(run.RecordedAt), run.RecordedBy);
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static void Print(CliOutput output, RunRecord run) => output.Facts(
        ("run", run.RunId), ("policy hash", run.PolicyHash ?? "none in force"), ("version", run.PolicyVersion), ("document hash", run.DocumentHash),
        ("registry hash", run.RegistryHash), ("fleet", run.Fleet),
        ("tags", string.Join(", ", run.Tags.Select(tag => $"{tag.Tag}{(tag.Fleet is null ? "" : "@" + tag.Fleet)}={Cli.Show.Hash(tag.PolicyHash)}"))),
        ("labels", run.Labels is { Count: > 0 } labels ? string.Join(", ", labels.Select(label => $"{label.Key}={label.Value}")) : null),
        ("started", run.StartedAt is { } started ? Cli.Show.Time(started) : null), ("recorded", $"{Cli.Show.Time(run.RecordedAt)} by {run.RecordedBy}"));
}
