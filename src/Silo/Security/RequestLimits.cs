using System.Threading.RateLimiting;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Security;

/// <summary>
/// How many requests a second one key may make: far above honest use (a node at its fastest polls and reports five times a second; a
/// relay speaks for 10,000 nodes), far below what would starve the others. What is answered from memory has an allowance of its own. Who
/// shows no working key is counted by address.
/// </summary>
public static class RequestLimits
{
    private static readonly Allowance Anonymous = new(PerSecond: 100, Burst: 500);
    private static readonly Allowance Node = new(PerSecond: 100, Burst: 200);
    private static readonly Allowance Relay = new(PerSecond: 10_000, Burst: 20_000);
    private static readonly Allowance Other = new(PerSecond: 1_000, Burst: 2_000);
    private static readonly Allowance FromMemory = new(PerSecond: 200_000, Burst: 400_000);
    private static readonly Allowance SignIns = new(PerSecond: 1, Burst: 20) { RefillEvery = TimeSpan.FromSeconds(1) };

    /// <summary>Registers the limiter.</summary>
    public static void AddRequestLimits(this IServiceCollection services) => services.AddRateLimiter(options =>
    {
        options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(Partition);
        options.OnRejected = async (context, _) =>
        {
            var wait = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var known) ? known : TimeSpan.FromSeconds(1);
            await new ProblemAnswer([ProblemStatus.ForBareStatus(StatusCodes.Status429TooManyRequests)], wait).ExecuteAsync(context.HttpContext);
        };
    });

    private static RateLimitPartition<string> Partition(HttpContext http)
    {
        var endpoint = http.GetEndpoint()?.Metadata;

        if (endpoint?.GetMetadata<SignsIn>() is not null)
        {
            return Partition("sign-in " + http.Connection.RemoteIpAddress, SignIns);
        }

        // Whose key cannot be looked up now is told so, which costs nothing: a thousand nodes behind one address must not be taken
        // for one stranger while the database is away.
        if (endpoint?.GetMetadata<NeverLimited>() is not null || http.Features.Get<ShownKey>() is ShownKey.Uncertain)
        {
            return RateLimitPartition.GetNoLimiter("");
        }

        var caller = http.Features.Get<ApiCaller>();
        var name = caller is null ? "address " + http.Connection.RemoteIpAddress : "key " + caller.Key.KeyId;
        var isFromMemory = endpoint?.GetMetadata<AnsweredFromMemory>() is not null;
        return caller?.Role switch
        {
            null when !(isFromMemory && endpoint?.GetMetadata<OpenOnSingleNode>() is not null) => Partition(name, Anonymous),
            _ when isFromMemory => Partition("memory " + name, FromMemory),
            Role.Node => Partition(name, Node),
            Role.Relay => Partition(name, Relay),
            _ => Partition(name, Other),
        };
    }

    private static RateLimitPartition<string> Partition(string name, Allowance allowance) =>
        RateLimitPartition.GetTokenBucketLimiter(name, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = allowance.Burst,
            TokensPerPeriod = (int)(allowance.PerSecond * allowance.RefillEvery.TotalSeconds),
            ReplenishmentPeriod = allowance.RefillEvery,
            QueueLimit = 0,
            AutoReplenishment = true,
        });

    private sealed record Allowance(int PerSecond, int Burst)
    {
        public TimeSpan RefillEvery { get; init; } = TimeSpan.FromMilliseconds(100);
    }
}

/// <summary>Marks the endpoint where keys can be tried: counted by address, whoever asks.</summary>
public sealed record SignsIn;
