using System.CommandLine;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli;

/// <summary>Obeys the update limiter: waits as long as it says, then asks again.</summary>
internal static class Waiting
{
    public static Option<bool> Option() => new("--wait") { Description = "Where the update limit refuses, wait as long as it says and try again." };

    public static async Task<T> ForAdmissionAsync<T>(CliContext context, bool wait, Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (PolicyApiException e) when (wait && e is { Status: 429, RetryAfter: { } after })
            {
                context.Output.Note($"Not now ({e.Code}): again in {Math.Ceiling(after.TotalSeconds)} s.");
                await Task.Delay(after, cancellationToken);
            }
        }
    }
}
