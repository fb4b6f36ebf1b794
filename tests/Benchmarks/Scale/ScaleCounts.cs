using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Npgsql;
using OrleansPolicy.Client;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;

namespace OrleansPolicy.Benchmarks.Scale;

/// <summary>
/// What a rollout costs the control plane by the size of its fleet: statements by PostgreSQL's own count, bytes of its log, grain calls by
/// their traces (all of them on the engine Orleans; the embedded one traces only what something caused). The silo is in this process.
/// </summary>
internal static class ScaleCounts
{
    private const string Fleet = "edge";
    private const double HourSeconds = 20;
    private const string CallsSources = "Microsoft.Orleans.";
    private static readonly int[] Sizes = [1_000, 10_000, 50_000];
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(7);
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(21);

    public static async Task RunAsync(Report report)
    {
        var calls = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name.StartsWith(CallsSources, StringComparison.Ordinal),
            Sample = (ref _) => ActivitySamplingResult.PropagationData,
            ActivityStarted = call =>
            {
                if (call.Kind == ActivityKind.Server)
                {
                    calls.AddOrUpdate(call.OperationName, 1, (_, count) => count + 1);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        foreach (var nodes in Sizes)
        {
            await OnceAsync(report, nodes, calls);
        }
    }

    private static async Task OnceAsync(Report report, int nodes, ConcurrentDictionary<string, long> calls)
    {
        await using var database = await OwnDatabase.CreateAsync(null, ("shared_preload_libraries", "pg_stat_statements"));
        var data = ControlPlane.NewDataFolder();
        await using var host = await PolicyHost.StartAsync(
            new SiloSettings { Urls = "http://127.0.0.1:0", DataFolder = data, ConnectionString = database.ConnectionString, HourSeconds = HourSeconds },
            builder => builder.UseOrleans(silo => silo.AddActivityPropagation()));
        var address = new Uri(host.Addresses.Single());
        await using var installation = await Installation.AtAsync(address, (await File.ReadAllTextAsync(Path.Combine(data, "admin.key"))).Trim());
        await installation.AddFleetAsync(Fleet, nodes, Round.TotalSeconds);
        await installation.PublishNextAsync();
        var relay = await installation.Admin.CreateKeyAsync(new NewKey { Name = "relay", Subject = "relay", Role = "relay", Fleet = Fleet });
        await using var fleet = new RelayedFleet(address, relay.Key, Fleet, (await installation.Admin.GetFleetAsync(Fleet)).Directive, nodes, Round);
        await using var counting = await Counting.OpenAsync(database.ConnectionString, calls);
        await UntilConvergedAsync(installation, fleet, nodes);
        await UntilAtRestAsync(counting, fleet);

        var before = await counting.ReadAsync(fleet);
        await Task.Delay(Rest);
        var rest = await counting.ReadAsync(fleet) - before;
        before = await counting.ReadAsync(fleet);
        var rollout = (await installation.RollOutAsync(Fleet, hoursAtAll: 1)).RolloutId;
        RolloutView view;
        do
        {
            await Task.Delay(1_000);
            fleet.ThrowIfFailed();
            view = await installation.Admin.GetRolloutAsync(rollout);
        }
        while (view.State == RolloutPhase.Active);
        var complete = await counting.ReadAsync(fleet) - before;
        await UntilAtRestAsync(counting, fleet);
        var all = await counting.ReadAsync(fleet) - before;
        var beyond = all.Beyond(rest);
        if (view.State != RolloutPhase.Complete)
        {
            throw new InvalidOperationException($"The rollout is {view.State}: {view.Reason}");
        }

        report.Row(new Samples($"{nodes:N0} nodes: statements that read and write the nodes' histories", "statements", [beyond.Histories]));
        report.Row(new Samples($"{nodes:N0} nodes: all other statements of a rollout beyond those at rest", "statements", [beyond.Statements - beyond.Histories]), $"complete after {complete.Seconds:0} s, all written down after {all.Seconds:0} s; at rest {rest.Statements / rest.Seconds:0.0}/s");
        report.Row(new Samples($"{nodes:N0} nodes: bytes of PostgreSQL's log of a rollout", "KB", [beyond.LogBytes / 1024]), $"at rest {rest.LogBytes / 1024 / rest.Seconds:0.00} KB/s");
        report.Row(new Samples($"{nodes:N0} nodes: grain calls of a rollout beyond those at rest", "calls", [beyond.Calls.Values.Sum()]), $"at rest {rest.Calls.Values.Sum() / rest.Seconds:0.0}/s; most: {Most(beyond)}");
        report.Row(
            new Samples($"{nodes:N0} nodes: processor time of a relayed report, its relay included", "us", [rest.ProcessorSeconds * 1e6 / rest.Reports]),
            $"{rest.Reports / rest.Seconds:N0} reports/s, {rest.ProcessorSeconds / rest.Seconds:0.00} processors; {GC.GetTotalMemory(forceFullCollection: true) / 1024.0 / 1024:0} MB of objects");
        await installation.DisposeAsync();
        Directory.Delete(data, recursive: true);
    }

    private static async Task UntilConvergedAsync(Installation installation, RelayedFleet fleet, int nodes)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(300));
        while (fleet.Reports < 2 * nodes || !(await installation.Admin.GetConvergenceAsync(Fleet, installation.V1, patience.Token)).Converged)
        {
            fleet.ThrowIfFailed();
            await Task.Delay(500, patience.Token);
        }
    }

    // Histories are written behind, at a bounded rate.
    private static async Task UntilAtRestAsync(Counting counting, RelayedFleet fleet)
    {
        Counts change;
        do
        {
            var before = await counting.ReadAsync(fleet);
            await Task.Delay(TimeSpan.FromSeconds(5));
            fleet.ThrowIfFailed();
            change = await counting.ReadAsync(fleet) - before;
        }
        while (change.Histories > 0);
    }

    private static string Most(Counts counts) => string.Join(", ", counts.Calls.OrderByDescending(call => call.Value).Take(4).Select(call => $"{call.Key} {call.Value:0}"));

    private sealed record Counts(double Seconds, double Statements, double Histories, double LogBytes, double Reports, double ProcessorSeconds, IReadOnlyDictionary<string, double> Calls)
    {
        public static Counts operator -(Counts after, Counts before) => new(
            after.Seconds - before.Seconds,
            after.Statements - before.Statements,
            after.Histories - before.Histories,
            after.LogBytes - before.LogBytes,
            after.Reports - before.Reports,
            after.ProcessorSeconds - before.ProcessorSeconds,
            after.Calls.ToDictionary(call => call.Key, call => call.Value - before.Calls.GetValueOrDefault(call.Key), StringComparer.Ordinal));

        // What happens anyway in the same time is no part of a rollout.
        public Counts Beyond(Counts rest)
        {
            var scale = Seconds / rest.Seconds;
            return this with
            {
                Statements = Statements - (rest.Statements * scale),
                LogBytes = LogBytes - (rest.LogBytes * scale),
                Calls = Calls.ToDictionary(call => call.Key, call => call.Value - (rest.Calls.GetValueOrDefault(call.Key) * scale), StringComparer.Ordinal),
            };
        }
    }

    // On a connection of its own, whose own statements are left out.
    private sealed class Counting(NpgsqlConnection connection, ConcurrentDictionary<string, long> calls) : IAsyncDisposable
    {
        private const string Sql =
            """
            SELECT coalesce(sum(calls), 0)::float8, coalesce(sum(calls) FILTER (WHERE query ILIKE '%OrleansStorage%'), 0)::float8, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8
            FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'
            """;

        public static async Task<Counting> OpenAsync(string connectionString, ConcurrentDictionary<string, long> calls)
        {
            var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync();
            await using var create = new NpgsqlCommand("CREATE EXTENSION IF NOT EXISTS pg_stat_statements", connection);
            await create.ExecuteNonQueryAsync();
            return new Counting(connection, calls);
        }

        public async Task<Counts> ReadAsync(RelayedFleet fleet)
        {
            await using var read = new NpgsqlCommand(Sql, connection);
            await using var row = await read.ExecuteReaderAsync();
            await row.ReadAsync();
            return new Counts(
                Stopwatch.GetElapsedTime(0).TotalSeconds, row.GetDouble(0), row.GetDouble(1), row.GetDouble(2), fleet.Reports, Environment.CpuUsage.TotalTime.TotalSeconds,
                calls.ToDictionary(call => call.Key, call => (double)call.Value, StringComparer.Ordinal));
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}
