using System.Diagnostics.Metrics;
using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Webhooks;

namespace OrleansPolicy.Silo.Telemetry;

/// <summary>Gauges over what is stored: rollouts by state, nodes by state. Read when metrics are read, at most every five seconds.</summary>
public sealed class StoredNumbers
{
    private const int RolloutsMax = 1_000;
    private static readonly TimeSpan RefreshEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RefreshTimeout = TimeSpan.FromSeconds(4);

    private readonly IKeyStore keys;
    private readonly IRolloutStore store;
    private readonly ICatalogStore catalog;
    private readonly TimeProvider clock;
    private readonly IGrainFactory grains;
    private readonly RolloutNumbers moving;
    private readonly WebhookNumbers webhooks;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private Task refreshing = Task.CompletedTask;
    private long? refreshedAt;
    private IReadOnlyList<Measurement<double>> rollouts = [];
    private IReadOnlyList<Measurement<double>> nodes = [];
    private IReadOnlyList<Measurement<double>> armed = [];
    private IReadOnlyList<Measurement<double>> expired = [];
    private bool reachable;

    /// <summary>Registers the gauges.</summary>
    public StoredNumbers(
        PolicyMeter meter, SiloSettings settings, IKeyStore keys, IRolloutStore store, ICatalogStore catalog, IGrainFactory grains, RolloutNumbers moving, WebhookNumbers webhooks,
        [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(meter);
        ArgumentNullException.ThrowIfNull(settings);
        (this.keys, this.store, this.catalog, this.grains, this.moving, this.clock, this.time) = (keys, store, catalog, grains, moving, clock, time);
        this.webhooks = webhooks;
        meter.Observe("policy_hour_seconds", "How long a contract hour lasts.", () => [new(settings.HourSeconds)]);
        meter.Observe("policy_rollouts", "Rollouts by state, of the newest 1,000 of each tenant.", () => rollouts);
        meter.Observe("policy_nodes", "Registered nodes by state.", () => nodes);
        meter.Observe("policy_bundle_expired", "Bundles past their expires_at that fleets are assigned, as target or fallback: they are served on.", () => expired);
        meter.Observe("titan_execution_armed_state", "Whether a fleet may serve, as far as arming goes: 1 armed, 0 disarmed.", () => armed);
        meter.Observe("policy_store_up", "Whether the database answered when these numbers were read.", ReadUp);
    }

    /// <summary>Reads the numbers anew where they are old. Where the database is away the last ones stand.</summary>
    public async Task RefreshAsync() => await Task.WhenAny(Begin(), Task.Delay(RefreshTimeout));

    private Task Begin()
    {
        lock (gate)
        {
            if (refreshing.IsCompleted && !(refreshedAt is { } at && time.GetElapsedTime(at) < RefreshEvery))
            {
                refreshedAt = time.GetTimestamp();
                refreshing = ReadAsync();
            }

            return refreshing;
        }
    }

    // Whoever reads without having asked for new numbers, as an export does, gets the last ones, and new ones the next time.
    private IEnumerable<Measurement<double>> ReadUp()
    {
        _ = Begin();
        return [new(reachable ? 1 : 0)];
    }

    private async Task ReadAsync()
    {
        try
        {
            var byState = new Dictionary<(string Tenant, string State), double>();
            var byFleet = new Dictionary<(string Tenant, string Fleet), double>();
            var byNodeState = new Dictionary<(string Tenant, string Fleet, string State), double>();
            var overdue = new List<Measurement<double>>();
            var reading = moving.Begin();
            foreach (var tenant in await keys.ListTenantsAsync())
            {
                var (newest, fleets) = (await store.ListRolloutsAsync(tenant, fleet: null, RolloutsMax), await store.ListFleetsAsync(tenant));
                await reading.AddAsync(tenant, newest, fleets);
                foreach (var rollout in newest)
                {
                    var state = JsonSerializer.SerializeToElement(rollout.Phase, PolicyJson.Options).GetString()!;
                    byState[(tenant, state)] = byState.GetValueOrDefault((tenant, state)) + 1;
                }

                foreach (var fleet in fleets)
                {
                    overdue.AddRange(await ReadExpiredAsync(fleet));
                    byFleet[(tenant, fleet.Fleet)] = fleet.Arms.IsArmed(fleet.Settings.RequiresArmed, node: null) ? 1 : 0;
                    var known = await grains.GetGrain<IFleetGrain>($"{tenant}/{fleet.Fleet}").GetAsync();
                    foreach (var counted in known.Value?.Nodes.AsEnumerable() ?? [])
                    {
                        byNodeState[(tenant, fleet.Fleet, counted.Key)] = counted.Value;
                    }
                }
            }

            await webhooks.ReadAsync();
            reading.Publish();
            rollouts = [.. byState.Select(row => new Measurement<double>(row.Value, new("tenant", row.Key.Tenant), new("state", row.Key.State)))];
            nodes = [.. byNodeState.Select(row => new Measurement<double>(
                row.Value, new("tenant", row.Key.Tenant), new("fleet", row.Key.Fleet), new KeyValuePair<string, object?>("state", row.Key.State)))];
            expired = overdue;
            armed = [.. byFleet.Select(row => new Measurement<double>(row.Value, new("tenant", row.Key.Tenant), new("fleet", row.Key.Fleet)))];
            reachable = true;
        }
        catch (Exception exception) when (exception is StoreUnavailableException or TimeoutException or Orleans.Runtime.OrleansException)
        {
            reachable = false;
        }
    }

    private async Task<List<Measurement<double>>> ReadExpiredAsync(StoredFleet fleet)
    {
        var found = new List<Measurement<double>>();
        foreach (var hash in new[] { fleet.Directive.Target, fleet.Directive.Fallback }.OfType<string>().Distinct())
        {
            if (await catalog.FindBundleAsync(fleet.Tenant, hash) is { } bundle && BundleChecks.Expiry(bundle.ExpiresAt, clock.GetUtcNow()) is not null)
            {
                found.Add(new(1, new("tenant", fleet.Tenant), new("fleet", fleet.Fleet), new KeyValuePair<string, object?>("version", bundle.Version)));
            }
        }

        return found;
    }
}
