using System.Diagnostics;
using System.Globalization;
using Npgsql;
using OrleansPolicy.Admission;
using OrleansPolicy.Audit;
using OrleansPolicy.Client;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// Durable admissions, each with its operation and its audit entry in one statement, beside the cheapest durable write there is: the
/// upsert of a single row in the same PostgreSQL. Each over one connection: into the store one after the other, and at a tenant's limiter,
/// where those who ask during a commit share the next. Then at a fixed pace, and beside a token bucket in Redis.
/// </summary>
internal static class AdmissionSpeed
{
    private const int Rounds = 10;
    private const int PacePerSecond = 200;
    private const string Tenant = "bench";

    // The highest limit there is, a thousand a second, is less than one connection does, and so is what one key may ask: requests go to tenants
    // in turn, each with a key of its own.
    private const int HttpTenants = 8;
    private static readonly int[] Callers = [1, 8, 32];
    private static readonly TimeSpan RoundTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PacedTime = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RedisRoundTime = TimeSpan.FromSeconds(2);
    private static readonly UpdateLimits Limits = new(60_000, 0);
    private static readonly AdmissionDemand Demand = new(AdmissionDemand.Admission, Operator: "bench");

    public static async Task RunAsync(Report report)
    {
        await using var database = await OwnDatabase.CreateAsync();
        var data = ControlPlane.NewDataFolder();
        try
        {
            await using var plane = new ControlPlane(data, connectionString: database.ConnectionString);
            await plane.StartAsync();
            var clients = new PolicyClient[HttpTenants];
            for (var i = 0; i < clients.Length; i++)
            {
                clients[i] = await ClientAsync(plane, string.Create(CultureInfo.InvariantCulture, $"tenant-{i}"));
            }

            var turn = 0;
            Task TakeOverHttpAsync() => TakeAsync(clients[turn++ % HttpTenants]);
            await using var dataSource = PolicyDatabase.CreateDataSource(database.ConnectionString, poolSizeMax: 1);
            await using var upsert = await Upsert.OpenAsync(database.ConnectionString);
            using var store = await StoreAdmissions.OpenAsync(dataSource);

            await using var limiter = await GroupedAdmissions.OpenAsync(database.ConnectionString);

            await AlternateAsync(report, "admissions into the store, one after the other", time => RateAsync(store.TakeAsync, time), upsert);
            foreach (var callers in Callers)
            {
                await AlternateAsync(
                    report, string.Create(CultureInfo.InvariantCulture, $"admissions at a limiter, {callers} asking at once"),
                    time => limiter.RateAsync(callers, time), upsert);
            }

            await AlternateAsync(report, "admissions over HTTP, one after the other", time => RateAsync(TakeOverHttpAsync, time), upsert);
            await PaceAsync(report, "one admission at a limiter", limiter.TakeAsync);
            await PaceAsync(report, "one admission over HTTP", TakeOverHttpAsync);
            await AlternateWithRedisAsync(report, store);
            Array.ForEach(clients, client => client.Dispose());
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<PolicyClient> ClientAsync(ControlPlane plane, string tenant)
    {
        using var admin = new PolicyClient(new PolicyClientOptions { Server = plane.Address, ApiKey = plane.AdminKey, Tenant = tenant });
        await admin.CreateTenantAsync(tenant);
        await admin.ConfigureAdmissionAsync(Limits);
        var key = await admin.CreateKeyAsync(new NewKey { Name = "bench", Subject = "bench", Role = "operator" });
        return new PolicyClient(new PolicyClientOptions { Server = plane.Address, ApiKey = key.Key, Tenant = tenant });
    }

    private static async Task TakeAsync(PolicyClient client)
    {
        if (!(await client.TakeAdmissionAsync(Guid.NewGuid().ToString("N"))).Answer.Allowed)
        {
            throw new InvalidOperationException("The benchmark's own limit is in its way.");
        }
    }

    private static async Task AlternateAsync(Report report, string name, Func<TimeSpan, Task<double>> rateAsync, Upsert upsert)
    {
        var (ours, theirs) = (new List<double>(), new List<double>());
        await rateAsync(TimeSpan.FromSeconds(2));
        await RateAsync(upsert.RunAsync, TimeSpan.FromSeconds(1));
        for (var round = 0; round < Rounds; round++)
        {
            ours.Add(await rateAsync(RoundTime));
            theirs.Add(await RateAsync(upsert.RunAsync, RoundTime));
        }

        report.Pair(new Samples(name, "1/s", ours), new Samples("upsert of a single row", "1/s", theirs));
    }

    private static async Task AlternateWithRedisAsync(Report report, StoreAdmissions store)
    {
        foreach (var (sync, keeps) in new[] { ("always", "synced before the answer"), ("everysec", "up to a second can be lost"), (null, "nothing kept on disk") })
        {
            await using var redis = await RedisBucket.StartAsync(sync);
            Task Take()
            {
                redis.Take();
                return Task.CompletedTask;
            }

            var (ours, theirs) = (new List<double>(), new List<double>());
            await RateAsync(Take, TimeSpan.FromSeconds(1));
            for (var round = 0; round < Rounds; round++)
            {
                ours.Add(await RateAsync(store.TakeAsync, RedisRoundTime));
                theirs.Add(await RateAsync(Take, RedisRoundTime));
            }

            report.Pair(new Samples("admissions into the store", "1/s", ours), new Samples($"Redis Lua token bucket, {sync ?? "no"} fsync", "1/s", theirs), keeps);
        }
    }

    // In a second that is how many were done one after the other.
    private static async Task<double> RateAsync(Func<Task> act, TimeSpan time)
    {
        var (done, start) = (0, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            await act();
            done++;
        }

        return done / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // At a fixed pace, each from the moment it was due: who is held up by the one before counts that too, and so does a generator that
    // wakes up late.
    private static async Task PaceAsync(Report report, string name, Func<Task> take)
    {
        var start = Stopwatch.GetTimestamp();
        var running = new List<Task<double>>();
        for (var n = 0; n < PacePerSecond * (int)PacedTime.TotalSeconds; n++)
        {
            var due = TimeSpan.FromSeconds((double)n / PacePerSecond);
            while (due - Stopwatch.GetElapsedTime(start) is { Ticks: > 0 } early)
            {
                await Task.Delay(early < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : early);
            }

            running.Add(OneAsync(due));
        }

        var times = (await Task.WhenAll(running)).Order().ToArray();
        report.Row(
            new Samples($"{name} at {PacePerSecond} a second", "ms", times),
            string.Create(CultureInfo.InvariantCulture, $"p99 {times[(int)(times.Length * 0.99)]:0.00} ms, p99.9 {times[(int)(times.Length * 0.999)]:0.00} ms"));

        async Task<double> OneAsync(TimeSpan due)
        {
            await take();
            return (Stopwatch.GetElapsedTime(start) - due).TotalMilliseconds;
        }
    }

    /// <summary>What the limiter's grain does, without the grain: one turn after the other, the state in memory, the change into the store.</summary>
    private sealed class StoreAdmissions(PostgresRolloutStore store) : IDisposable
    {
        private readonly SemaphoreSlim _turn = new(1);
        private AdmissionState _state = AdmissionState.Full(DateTimeOffset.UtcNow);
        private long _revision;

        public static async Task<StoreAdmissions> OpenAsync(NpgsqlDataSource dataSource)
        {
            var store = new PostgresRolloutStore(dataSource, TimeProvider.System);
            await store.CommitAsync(new PolicyChange { Tenant = Tenant, CreatesTenant = true, Audit = [Entry("tenant.created")] });
            return new StoreAdmissions(store);
        }

        public async Task TakeAsync()
        {
            await _turn.WaitAsync();
            try
            {
                await TakeInTurnAsync();
            }
            finally
            {
                _turn.Release();
            }
        }

        public void Dispose() => _turn.Dispose();

        private async Task TakeInTurnAsync()
        {
            var now = DateTimeOffset.UtcNow;
            var (answer, state) = AdmissionLimiter.Take(_state, Limits, Demand, now);
            if (!answer.Allowed)
            {
                // The highest limit there is, a thousand a second, is less than what is measured: a full bucket again.
                (answer, state) = AdmissionLimiter.Take(AdmissionState.Full(now), Limits, Demand, now);
            }

            var committed = await store.CommitAsync(new PolicyChange
            {
                Tenant = Tenant,
                Audit = [Entry("admission.taken")],
                Operation = new OperationWrite(Tenant, Guid.NewGuid().ToString("N"), new string('0', 64), 200, """{"allowed":true,"tokens":59999,"limit":60000}"""),
                Admission = new AdmissionWrite(state, Limits, _revision),
            });
            if (!answer.Allowed || committed.Status != CommitStatus.Committed)
            {
                throw new InvalidOperationException($"Not admitted: {answer}, {committed}.");
            }

            (_state, _revision) = (state, _revision + 1);
        }

        private static AuditDraft Entry(string action) => new()
        {
            At = DateTimeOffset.UtcNow,
            Actor = "bench",
            Interface = "http",
            Action = action,
            Subject = "admission",
            Reason = "9.5 tokens left",
        };
    }

    /// <summary>One row, written over and over by a prepared statement.</summary>
    private sealed class Upsert(NpgsqlConnection connection, NpgsqlCommand command) : IAsyncDisposable
    {
        private long _value;

        public static async Task<Upsert> OpenAsync(string connectionString)
        {
            var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
            await connection.OpenAsync();
            await using var create = new NpgsqlCommand("CREATE TABLE bench_upsert (key text PRIMARY KEY, value bigint NOT NULL)", connection);
            await create.ExecuteNonQueryAsync();
            var command = new NpgsqlCommand(
                "INSERT INTO bench_upsert (key, value) VALUES ('k', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value", connection);
            command.Parameters.Add(new NpgsqlParameter<long>());
            await command.PrepareAsync();
            return new Upsert(connection, command);
        }

        public Task<int> RunAsync()
        {
            ((NpgsqlParameter<long>)command.Parameters[0]).TypedValue = ++_value;
            return command.ExecuteNonQueryAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await command.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
