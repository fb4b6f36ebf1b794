using System.Text.Json.Serialization;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Client;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>Whether the process can do its work. Looks at most once a second, however often it is asked.</summary>
public sealed class ReadinessCheck(IKeyStore store, WriteHealth writes, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private readonly Lock gate = new();
    private Task<DatabaseHealth>? looking;
    private long lookedAt;

    /// <summary>The state now.</summary>
    public async Task<Readiness> LookAsync()
    {
        var started = lifetime.ApplicationStarted.IsCancellationRequested;
        var stopping = lifetime.ApplicationStopping.IsCancellationRequested;
        var database = await DatabaseAsync();

        // Without writes it still answers nodes, and whoever takes it out of a load balancer makes them deny.
        return new Readiness(started && !stopping && database.Answers, database.Answers, database.TakesWrites, stopping ? "stopping" : started ? "started" : "starting")
        {
            Code = !database.Answers ? CommonCodes.StoreUnavailable : !database.TakesWrites ? WriteHealth.UnwritableCode : null,
        };
    }

    private Task<DatabaseHealth> DatabaseAsync()
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

    private async Task<DatabaseHealth> AskAsync()
    {
        try
        {
            await store.ListTenantsAsync();
            return new DatabaseHealth(true, await writes.LookAsync());
        }
        catch (StoreUnavailableException)
        {
            return new DatabaseHealth(false, false);
        }
    }

    private sealed record DatabaseHealth(bool Answers, bool TakesWrites);
}

/// <summary>What <c>/readyz</c> answers.</summary>
/// <param name="Ready">Whether requests may be sent here.</param>
/// <param name="Database">Whether the database answers.</param>
/// <param name="Writable">Whether it takes writes, as far as was seen: a full disk shows with the first change that was refused.</param>
/// <param name="Silo">starting, started or stopping.</param>
public sealed record Readiness(bool Ready, bool Database, bool Writable, string Silo)
{
    /// <summary><c>store.unavailable</c> or <c>store.unwritable</c>; null: nothing is wrong with the database.</summary>
    public string? Code { get; init; }

    /// <summary>What node <c>local</c> runs; null: nothing, or there is no such node.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? BundleVersion { get; init; }

    /// <summary>When that was put in force.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public DateTimeOffset? BundleLoadedAt { get; init; }

    /// <summary>How many hours ago.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? BundleAgeHours { get; init; }

    /// <summary>Whether that is more than 24 hours: worth a warning, no reason to take no requests.</summary>
    public bool BundleStale { get; init; }

    internal Readiness With(PolicyNodeStatus? local) => this with
    {
        BundleVersion = local?.Version,
        BundleLoadedAt = local?.LoadedAt,
        BundleAgeHours = local?.BundleAge is { } age ? Math.Round(age.TotalHours, 2) : null,
        BundleStale = local?.BundleStale == true,
    };
}
