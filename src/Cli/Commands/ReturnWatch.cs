using System.CommandLine;
using OrleansPolicy.Client;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Cli.Commands;

/// <summary>Follows a way back until it is over, and tells its four times.</summary>
internal static class ReturnWatch
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    // A way back that takes longer is shown as it stands: the exit code says that it is not over.
    private static readonly TimeSpan AfterDeadline = TimeSpan.FromSeconds(5);

    public static Option<bool> Option() => new("--no-wait") { Description = "Do not wait until every node has returned or is fenced." };

    /// <summary>Exit code 1: it is not over, or took longer than it may.</summary>
    public static async Task<int> RunAsync(CliContext context, RolloutView begun, bool noWait, CancellationToken cancellationToken)
    {
        var now = begun;
        var until = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(begun.Rollback?.DeadlineSec ?? 0) + AfterDeadline;
        while (!noWait && now.Rollback is { OverAt: null, SupersededBy: null } && DateTimeOffset.UtcNow < until)
        {
            await Task.Delay(LookInterval, cancellationToken);
            try
            {
                now = await context.Client.GetRolloutAsync(begun.RolloutId, cancellationToken);
            }
            catch (PolicyUnreachableException e)
            {
                // A control plane that restarts goes on with it: so does the watch.
                context.Output.Note(e.Message);
            }
        }

        context.Output.Answer(now, output => output.Facts(
        [
            ("rollout", now.RolloutId), ("fleet", now.Fleet), ("state", Show.Word(now.State)),
            ("runs now", now.Kind == RolloutKind.FastTrack ? now.Target : now.Fallback), ("why", now.Why.Sentence), .. Facts(now.Rollback),
        ]));
        return noWait || now.Rollback is { OverAt: not null, Overdue: false } ? ExitCodes.Ok : ExitCodes.No;
    }

    /// <summary>The four times and the nodes, as lines; none where no way back was taken.</summary>
    public static IEnumerable<(string Name, string? Value)> Facts(RollbackView? back)
    {
        if (back is null)
        {
            yield break;
        }

        yield return ("detected", Show.Time(back.DetectedAt));
        yield return ("decided", "after " + Ms(back.DecideMs));
        yield return ("durable", back.DurableMs is { } durable ? $"after {Ms(durable)} more" : "not known yet");
        yield return ("last ACK", back.LastAckMs is { } ack ? $"after {Ms(ack)} more" : "none");
        yield return ("over", back switch
        {
            { SupersededBy: { } by } => $"taken over by {by}",
            { OverMs: { } over } => $"after {Ms(over)} in all{(back.Overdue ? $", more than {back.DeadlineSec} s" : "")}",
            _ => $"no, due within {back.DeadlineSec} s",
        });
        yield return ("had to return", back.Nodes is { } nodes
            ? $"{nodes.Nodes} nodes: {nodes.Acked} ACKed, {nodes.Fenced} fenced, {nodes.Waiting} missing{Names(nodes.WaitingNodes)}"
            : null);
    }

    private static string Names(IReadOnlyCollection<string> nodes) => nodes.Count == 0 ? "" : $" ({string.Join(", ", nodes)})";

    private static string Ms(double ms) => Show.Number(ms) + " ms";
}
