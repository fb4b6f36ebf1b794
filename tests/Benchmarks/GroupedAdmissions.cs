using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Hosting;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// A tenant's limiter in a silo of this process, whose store has one connection: who asks while a commit is under way shares the next
/// one. Each admission has an operation of its own.
/// </summary>
internal sealed class GroupedAdmissions : IAsyncDisposable
{
    // A bucket is full of 60,000 tokens and gets a thousand a second. Callers go to the next tenant together, and find the first refilled.
    private const int Tenants = 40;
    private const int PerTenant = 20_000;
    private static readonly UpdateLimits Limits = new(60_000, 0);
    private static readonly AdmissionDemand Demand = new(AdmissionDemand.Admission, Operator: "bench");

    private readonly NpgsqlDataSource _dataSource;
    private readonly IHost _host;
    private readonly IRateLimiterGrain[] _limiters;
    private long _asked = -1;

    private GroupedAdmissions(NpgsqlDataSource dataSource, IHost host, IRateLimiterGrain[] limiters) =>
        (_dataSource, _host, _limiters) = (dataSource, host, limiters);

    public static async Task<GroupedAdmissions> OpenAsync(string connectionString)
    {
        var dataSource = PolicyDatabase.CreateDataSource(connectionString, poolSizeMax: 1);
        var store = new PostgresRolloutStore(dataSource, TimeProvider.System);
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering();
            silo.AddMemoryGrainStorage(StateNames.Provider);
            silo.Services.AddSingleton<IRolloutStore>(store);
            silo.AddPolicyGrains();
        });
        var host = builder.Build();
        await host.StartAsync();
        var limiters = new IRateLimiterGrain[Tenants];
        for (var n = 0; n < Tenants; n++)
        {
            var tenant = string.Create(CultureInfo.InvariantCulture, $"group-{n}");
            await store.CommitAsync(new PolicyChange { Tenant = tenant, CreatesTenant = true, Audit = [new AuditDraft { At = DateTimeOffset.UtcNow, Actor = "bench", Action = "tenant.created", Subject = "tenant" }] });
            limiters[n] = host.Services.GetRequiredService<IGrainFactory>().Limiter(tenant);
            Demanded(await limiters[n].ConfigureAsync(Limits, As(operation: null)));
        }

        return new GroupedAdmissions(dataSource, host, limiters);
    }

    /// <summary>Admissions a second while so many ask, each as soon as it has its answer.</summary>
    public async Task<double> RateAsync(int callers, TimeSpan time)
    {
        var (done, start) = (0, Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                await TakeAsync();
                Interlocked.Increment(ref done);
            }
        })));
        return done / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public async Task TakeAsync()
    {
        var limiter = _limiters[Interlocked.Increment(ref _asked) / PerTenant % Tenants];
        if (!Demanded(await limiter.TakeAsync(Demand, As(Guid.NewGuid().ToString("N")))).Allowed)
        {
            throw new InvalidOperationException("The benchmark's own limit is in its way.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await _dataSource.DisposeAsync();
    }

    private static T Demanded<T>(Outcome<T> outcome) => outcome.Succeeded ? outcome.Value : throw new InvalidOperationException(outcome.Problems[0].Message);

    private static Caller As(string? operation) => new(new Actor("bench", "http", "bench", []), operation, new string('0', 64));
}
