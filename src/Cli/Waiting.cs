using System.CommandLine;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli;

/// <summary>Obeys the update limiter: waits in the tenant's queue, and, where the turn is further away than that holds, comes back for it.</summary>
internal static class Waiting
{
    /// <summary>How long the control plane holds an update at most.</summary>
    public static readonly TimeSpan InQueue = TimeSpan.FromSeconds(60);

    public static Option<bool> Option() => new("--wait") { Description = "Where the update limit refuses, wait for the turn in the queue, however long it is." };

    public static async Task<T> ForAdmissionAsync<T>(
        CliContext context, bool wait, Func<PolicyClient, Task<T>> ask, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await ask(wait ? context.WaitingClient : context.Client);
            }
            catch (PolicyApiException e) when (wait && e is { Status: 429, RetryAfter: { } after })
            {
                // Who waits in the queue goes before who asks again later: be back as soon as the queue reaches that far.
                var pause = after > InQueue ? after - InQueue : after;
                context.Output.Note($"Not now ({e.Code}): again in {Math.Ceiling(pause.TotalSeconds)} s.");
                await Task.Delay(pause, cancellationToken);
            }
        }
    }
}
