using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Telemetry;

/// <summary>
/// Gauges over what moves: rollouts in flight and how far they are, who does not run what it should, how long the last way back took.
/// A rollout's id is a label only while it is in flight, a node's name only of the first few that are behind: they do not add up.
/// </summary>
public sealed class RolloutNumbers
{
    private const int NamesMax = 20;

    private readonly IGrainFactory _grains;
    private readonly ICatalogStore _catalog;
    private readonly TimeProvider _clock;
    private Numbers _now = new();

    /// <summary>Registers the gauges.</summary>
    public RolloutNumbers(PolicyMeter meter, IGrainFactory grains, ICatalogStore catalog, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(meter);
        (_grains, _catalog, _clock) = (grains, catalog, clock);
        meter.Observe("policy_rollout_percentage", "The percentage in force of each rollout in flight, with what it brings.", () => _now.Percentages);
        meter.Observe("policy_rollout_stage_seconds", "How long each rollout in flight has been in its stage.", () => _now.StageSeconds);
        meter.Observe("policy_rollout_why", "1 for the reason why each rollout in flight stands where it stands.", () => _now.Whys);
        meter.Observe("policy_rollout_verdict", "1 for the verdict at the last look at each rollout in flight.", () => _now.Verdicts);
        meter.Observe(
            "policy_rollout_nodes", "Nodes of each rollout in flight: registered, assigned, and of these acked, nacked, no_ack, silent, fenced.", () => _now.Nodes);
        meter.Observe(
            "policy_nodes_behind", "Nodes of fleets at rest that are not proven to run the fleet's bundle: other (another hash), unknown, fenced.", () => _now.Behind);
        meter.Observe("policy_node_behind", "1 for the first 20 of them in each fleet, by name.", () => _now.BehindByName);
        meter.Observe(
            "policy_rollback_last_seconds", "How long each fleet's last way back took, from detection until it was over; so far, where it is not.", () => _now.LastReturns);
        meter.Observe("policy_rollback_waiting_nodes", "Nodes that ways back which are not over wait for.", () => _now.Waiting);
    }

    /// <summary>Reads everything anew; what was read before stands until <see cref="Reading.Publish"/>.</summary>
    public Reading Begin() => new(this);

    /// <summary>One reading, tenant by tenant.</summary>
    public sealed class Reading
    {
        private readonly RolloutNumbers _owner;
        private readonly Numbers _read = new();

        internal Reading(RolloutNumbers owner) => _owner = owner;

        /// <summary>Adds a tenant's rollouts, newest first, and its fleets.</summary>
        public async Task AddAsync(string tenant, ImmutableArray<RolloutState> rollouts, ImmutableArray<StoredFleet> fleets)
        {
            foreach (var rollout in rollouts.Where(rollout => !rollout.IsFinal))
            {
                var looked = await _owner._grains.Rollout(tenant, rollout.RolloutId).GetAsync();
                var bundle = await _owner._catalog.FindBundleAsync(tenant, rollout.Target);
                AddInFlight(rollout, looked.Value ?? RolloutViews.View(rollout, nodes: null), bundle?.Version ?? rollout.Target[..12]);
            }

            foreach (var fleet in fleets)
            {
                if (rollouts.FirstOrDefault(rollout => rollout.Fleet == fleet.Fleet && rollout.Return is not null) is { Return: { } back })
                {
                    var seconds = ((back.OverAt ?? _owner._clock.GetUtcNow()) - back.DetectedAt).TotalSeconds;
                    _read.LastReturns.Add(new(seconds, Label("tenant", tenant), Label("fleet", fleet.Fleet), Label("over", back.OverAt is null ? "no" : "yes")));
                }

                if (fleet.Directive is { AtRest: true, Target: { } target })
                {
                    AddBehind(tenant, fleet.Fleet, await _owner._grains.Fleet(tenant, fleet.Fleet).ConvergenceAsync(target));
                }
            }
        }

        /// <summary>Shows what was read.</summary>
        public void Publish() => _owner._now = _read;

        private void AddInFlight(RolloutState rollout, RolloutView view, string version)
        {
            KeyValuePair<string, object?>[] labels = [Label("tenant", rollout.Tenant), Label("fleet", rollout.Fleet), Label("rollout", rollout.RolloutId)];
            _read.Percentages.Add(new(
                (double)view.Percentage,
                [.. labels, Label("version", version), Label("state", Word(view.State)), Label("kind", Word(view.Kind)), Label("stage", view.StageId ?? "none")]));
            _read.StageSeconds.Add(new((_owner._clock.GetUtcNow() - view.StageStartedAt).TotalSeconds, labels));
            _read.Whys.Add(new(1, [.. labels, Label("code", view.Why.Code)]));
            if (view.Verdict is { } verdict)
            {
                _read.Verdicts.Add(new(1, [.. labels, Label("verdict", Word(verdict.Kind)), Label("code", verdict.Code)]));
            }

            if (view.Nodes is { } nodes)
            {
                foreach (var (what, count) in new[]
                {
                    ("registered", nodes.Registered), ("assigned", nodes.Assigned), ("acked", nodes.Acked), ("nacked", nodes.Nacked),
                    ("no_ack", nodes.NoAck), ("silent", nodes.Silent), ("fenced", nodes.Fenced),
                })
                {
                    _read.Nodes.Add(new(count, [.. labels, Label("state", what)]));
                }
            }

            if (view.Rollback is { OverAt: null, Nodes: { } returning })
            {
                _read.Waiting.Add(new(returning.Waiting, labels));
            }
        }

        private void AddBehind(string tenant, string fleet, Outcome<Convergence> found)
        {
            if (found.Value is not { } convergence)
            {
                return;
            }

            KeyValuePair<string, object?>[] labels = [Label("tenant", tenant), Label("fleet", fleet)];
            foreach (var (why, names) in new[] { ("other", convergence.NotOnHash), ("unknown", convergence.Unknown), ("fenced", convergence.Fenced) })
            {
                _read.Behind.Add(new(names.Length, [.. labels, Label("why", why)]));
            }

            _read.BehindByName.AddRange(convergence.NotOnHash.Concat(convergence.Unknown).Concat(convergence.Fenced).Distinct(StringComparer.Ordinal)
                .Take(NamesMax).Select(node => new Measurement<double>(1, [.. labels, Label("node", node)])));
        }

        private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);

        private static string Word<T>(T value)
            where T : struct, Enum => JsonSerializer.SerializeToElement(value, PolicyJson.Options).GetString()!;
    }

    private sealed class Numbers
    {
        public List<Measurement<double>> Percentages { get; } = [];

        public List<Measurement<double>> StageSeconds { get; } = [];

        public List<Measurement<double>> Whys { get; } = [];

        public List<Measurement<double>> Verdicts { get; } = [];

        public List<Measurement<double>> Nodes { get; } = [];

        public List<Measurement<double>> Behind { get; } = [];

        public List<Measurement<double>> BehindByName { get; } = [];

        public List<Measurement<double>> LastReturns { get; } = [];

        public List<Measurement<double>> Waiting { get; } = [];
    }
}
