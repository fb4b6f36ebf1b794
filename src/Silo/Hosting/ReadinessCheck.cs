using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>Whether the process can do its work. Looks at most once a second, however often it is asked.</summary>
public sealed class ReadinessCheck(IKeyStore store, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private readonly Lock gate = new();
    private Task<bool>? looking;
    private long lookedAt;

    /// <summary>The state now.</summary>
    public async Task<Readiness> LookAsync()
    {
        var started = lifetime.ApplicationStarted.IsCancellationRequested;
        var stopping = lifetime.ApplicationStopping.IsCancellationRequested;
        var database = await DatabaseAnswersAsync();
        return new Readiness(started && !stopping && database, database, stopping ? "stopping" : started ? "started" : "starting");
    }

    private Task<bool> DatabaseAnswersAsync()
    {
        lock (gate)
        {
            if (looking is null || (looking.IsCompleted && time.GetElapsedTime(lookedAt) >= LookEvery))
            {
                lookedAt = time.GetTimestamp();
                looking = AskAsync();
            }

            return looking;
        }
    }

    private async Task<bool> AskAsync()
    {
        try
        {
            await store.ListTenantsAsync();
            return true;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }
}

/// <summary>What <c>/readyz</c> answers.</summary>
/// <param name="Ready">Whether the process can do its work.</param>
/// <param name="Database">Whether the database answers.</param>
/// <param name="Silo">starting, started or stopping.</param>
public sealed record Readiness(bool Ready, bool Database, string Silo);
