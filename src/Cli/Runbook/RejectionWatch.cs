using System.Diagnostics;
using System.Text.Json;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Runbook;

/// <summary>
/// Listens to a fleet's rejections for a window. They are kept by nobody, so a stream that breaks says nothing of what happened meanwhile:
/// the window begins anew. So it does where nodes tell of what they refused before ARM reached them, or a leader before the handshake that ARM
/// makes it begin: that is no word on the policy.
/// </summary>
internal sealed class RejectionWatch(PolicyClient client, RunbookState run, Action<string> say)
{
    private const int StreamsMax = 10;
    private static readonly string[] UntilReady = ["decide.disarmed", "decide.parity_handshake"];
    private static readonly TimeSpan OpenWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenStreams = TimeSpan.FromSeconds(1);

    private readonly long _armedAt = Stopwatch.GetTimestamp();
    private long _notReadyAt;

    /// <summary>Null: none within the window. Else the first one, told.</summary>
    /// <exception cref="PolicyUnreachableException">No stream lasted for a window.</exception>
    public async Task<string?> RunAsync(CancellationToken cancellationToken)
    {
        for (var streams = 1; ; streams++)
        {
            try
            {
                return await WatchOnceAsync(cancellationToken);
            }
            catch (Exception e) when (streams < StreamsMax && e is PolicyUnreachableException or PolicyApiException { Status: 503 })
            {
                say($"The stream of events broke ({e.Message}): the window begins anew.");
                await Task.Delay(BetweenStreams, cancellationToken);
            }
        }
    }

    // The ARM itself stands in the audit after the place from which the stream begins: once it has come, the stream is open for certain.
    private async Task<string?> WatchOnceAsync(CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var rejected = FollowAsync(opened, ended.Token);
        try
        {
            await Task.WhenAny(opened.Task, rejected, Task.Delay(OpenWithin, cancellationToken));
            var began = Stopwatch.GetTimestamp();
            while (!rejected.IsCompleted && Stopwatch.GetElapsedTime(Math.Max(began, Volatile.Read(ref _notReadyAt))) is var passed && passed.TotalSeconds < run.WindowSec)
            {
                await Task.WhenAny(rejected, Task.Delay(TimeSpan.FromSeconds(run.WindowSec) - passed, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
            }

            return rejected.IsCompleted ? await rejected : null;
        }
        finally
        {
            await ended.CancelAsync();
            await ((Task)rejected).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<string?> FollowAsync(TaskCompletionSource opened, CancellationToken cancellationToken)
    {
        await foreach (var happened in client.FollowEventsAsync(run.AuditSeq, cancellationToken))
        {
            opened.TrySetResult();
            if (happened.Name != "rejection" || Text(happened.Data, "fleet") != run.Fleet)
            {
                continue;
            }

            if (UntilReady.Contains(Text(happened.Data, "reason")) && Stopwatch.GetElapsedTime(_armedAt).TotalSeconds < run.TimeoutSec)
            {
                if (Interlocked.Exchange(ref _notReadyAt, Stopwatch.GetTimestamp()) == 0)
                {
                    say($"      {Text(happened.Data, "node")} was not ready yet ({Text(happened.Data, "reason")}): the window begins anew.");
                }

                continue;
            }

            return $"{Text(happened.Data, "node")} rejected {Text(happened.Data, "count")} with {Text(happened.Data, "reason")}: "
                + $"expected {Text(happened.Data, "expected_policy_hash")}, got {Text(happened.Data, "got_policy_hash")}";
        }

        throw new PolicyUnreachableException("The control plane ended it.");
    }

    private static string Text(JsonElement data, string name) =>
        !data.TryGetProperty(name, out var value) ? "N/A" : value.ValueKind == JsonValueKind.String ? value.GetString()! : value.ToString();
}
