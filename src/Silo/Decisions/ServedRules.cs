using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.SingleNode;

namespace OrleansPolicy.Silo.Decisions;

/// <summary>
/// Under what the silo may decide now. Fails closed: where it is not certain that the bundle is the one to serve, there is none.
/// </summary>
public sealed class ServedRules(FleetFeeds feeds, FleetTruth truth, RuleSetCache rules, LocalNode local, TimeProvider time)
{
    /// <summary>The truth is too old to serve on.</summary>
    public const string StaleCode = "decide.stale";

    private const string NoPolicyCode = "decide.no_policy";
    private const string SilentCode = "decide.node_silent";
    private const string SupersededCode = "decide.superseded";
    private const string DisarmedCode = "decide.disarmed";
    private const string DefaultFleet = "default";

    /// <summary>Every code that it fails with.</summary>
    internal static readonly string[] Codes = [StaleCode, NoPolicyCode, SilentCode, SupersededCode, DisarmedCode, GroupCodes.Disagrees, GroupCodes.Switching, "fleet.unknown"];

    /// <summary>What a node serves: the bundle it last ACKed, while it is live and its directive allows that.</summary>
    public async Task<Outcome<Serving>> OfNodeAsync(string tenant, string fleet, string node, CancellationToken cancellationToken)
    {
        var found = await feeds.ServingAsync(tenant, fleet, node);
        var served = !found.Succeeded
            ? found.Problems[0].Code == FeedAnswer.NoLease.Code ? Stale() : found.As<Serving>()
            : await ServedAsync(tenant, found.Value);
        if (!served.Succeeded && served.Problems[0].Code.StartsWith("decide.", StringComparison.Ordinal))
        {
            // Refused in the node's name: told and counted as if it had refused itself.
            feeds.NoteRefusal(tenant, fleet, node, new RejectedDecisions(
                served.Problems[0].Code, 1, found.Value?.Wanted, found.Value?.PolicyHash, time.GetUtcNow()));
        }

        return served;
    }

    private async Task<Outcome<Serving>> ServedAsync(string tenant, NodeServing serving)
    {
        var (hash, epoch, state, allowed, armed, _) = serving;
        return (hash, state, allowed) switch
        {
            _ when !armed => Disarmed(),
            (_, not NodeState.Live, _) => Outcome<Serving>.Fail(SilentCode, $"The node is {state.ToString().ToLowerInvariant()}: what it runs is not certain."),
            _ when serving.GroupRefusal is { } refusal => Outcome<Serving>.Fail(refusal, "The node's parity group does not stand on one bundle now, or a cap of its rollout has no room for the node."),
            (null, _, _) => Outcome<Serving>.Fail(NoPolicyCode, "The node has not ACKed a bundle yet."),
            (_, _, false) => Outcome<Serving>.Fail(SupersededCode, "The directive no longer allows what the node runs."),
            _ => await CompiledAsync(tenant, hash, epoch),
        };
    }

    /// <summary>What the tenant's default fleet serves: its target at rest, what everyone else runs while a rollout is under way.</summary>
    public async Task<Outcome<Serving>> OfDefaultFleetAsync(string tenant, CancellationToken cancellationToken)
    {
        var known = await truth.ReadAsync(tenant, DefaultFleet, cancellationToken);
        if (known is null)
        {
            return Outcome<Serving>.Fail("fleet.unknown", $"The tenant has no fleet named {DefaultFleet}.");
        }

        if (await feeds.FindRefusalAsync(tenant, DefaultFleet) is { } refused)
        {
            return Outcome<Serving>.Fail(StaleCode, refused.Message);
        }

        if (!known.Arms.IsArmed(known.Settings.RequiresArmed, node: null))
        {
            return Disarmed();
        }

        var directive = known.Directive;
        return (directive.AtRest ? directive.Target : directive.Fallback) is { } hash
            ? await CompiledAsync(tenant, hash, directive.Epoch)
            : Outcome<Serving>.Fail(NoPolicyCode, "The fleet has no bundle yet.");
    }

    private async Task<Outcome<Serving>> CompiledAsync(string tenant, string hash, long epoch) => local.FindRules(tenant, hash) is { } own
        ? Outcome<Serving>.Ok(new Serving(own, epoch))
        : await rules.FindAsync(tenant, hash) switch
        {
            null => Outcome<Serving>.Fail(NoPolicyCode, "The bundle is not in the catalog."),
            { Succeeded: false } broken => broken.As<Serving>(),
            { Value: { } compiled } => Outcome<Serving>.Ok(new Serving(compiled, epoch)),
        };

    private static Outcome<Serving> Disarmed() => Outcome<Serving>.Fail(DisarmedCode, "It is not armed: nothing is served until it is.");

    private static Outcome<Serving> Stale() =>
        Outcome<Serving>.Fail(StaleCode, "The durable directive could not be read in time.");
}

/// <summary>A compiled bundle that may be served, and the epoch that says so.</summary>
public sealed record Serving(RuleSet Rules, long Epoch);
