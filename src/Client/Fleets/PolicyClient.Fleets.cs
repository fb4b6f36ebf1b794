using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>A directive or a report's answer is small.</summary>
    private const int DirectiveBytesMax = 256 * 1024;

    /// <summary>Creates a fleet or changes its settings.</summary>
    public Task<FleetSnapshot> ConfigureFleetAsync(
        string fleet, FleetSettings settings, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<FleetBody, FleetSnapshot>(HttpMethod.Put, "/fleets/" + Segment(fleet), FleetBody.Of(settings), idempotencyKey, cancellationToken);

    /// <summary>All fleets, by name.</summary>
    public Task<ImmutableArray<FleetSnapshot>> ListFleetsAsync(CancellationToken cancellationToken = default) =>
        ListAsync<FleetSnapshot>("/fleets", "fleets", cancellationToken);

    /// <summary>Settings, node counts by state and the whole directive.</summary>
    public Task<FleetSnapshot> GetFleetAsync(string fleet, CancellationToken cancellationToken = default) =>
        GetAsync<FleetSnapshot>("/fleets/" + Segment(fleet), cancellationToken);

    /// <summary>Why the fleet stands where it stands, also at rest.</summary>
    public Task<WhyAnswer> WhyFleetAsync(string fleet, CancellationToken cancellationToken = default) =>
        GetAsync<WhyAnswer>($"/fleets/{Segment(fleet)}/why", cancellationToken);

    /// <summary>The fleet's nodes with what they last said.</summary>
    public Task<ImmutableArray<NodeInfo>> ListNodesAsync(string fleet, CancellationToken cancellationToken = default) =>
        ListAsync<NodeInfo>($"/fleets/{Segment(fleet)}/nodes", "nodes", cancellationToken);

    /// <summary>One node, with its last ten reloads.</summary>
    public Task<NodeInfo> GetNodeAsync(string fleet, string node, CancellationToken cancellationToken = default) =>
        GetAsync<NodeInfo>(NodePath(fleet, node), cancellationToken);

    /// <summary>Registers a node, or changes its registration.</summary>
    public Task<RegisteredNode> RegisterNodeAsync(
        string fleet, NodeRegistration registration, string? idempotencyKey = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(registration);
        var body = new RegistrationBody(
            registration.Role, registration.ParityGroup, registration.FailureDomain, registration.Labels);
        return SendJsonAsync<RegistrationBody, RegisteredNode>(
            HttpMethod.Put, NodePath(fleet, registration.Node), body, idempotencyKey, cancellationToken);
    }

    /// <summary>Registers up to 10,000 nodes at once.</summary>
    public Task RegisterNodesAsync(
        string fleet, IReadOnlyList<NodeRegistration> nodes, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync(HttpMethod.Post, $"/fleets/{Segment(fleet)}/nodes:batch", nodes, idempotencyKey, cancellationToken);

    /// <summary>Takes a node out of the fleet.</summary>
    public async Task RemoveNodeAsync(string fleet, string node, CancellationToken cancellationToken = default) =>
        await SendAsync(new PolicyRequest(HttpMethod.Delete, _tenantPath + NodePath(fleet, node)), cancellationToken);

    /// <summary>Who is proven to run a hash, and who is not.</summary>
    public Task<Convergence> GetConvergenceAsync(string fleet, string policyHash, CancellationToken cancellationToken = default) =>
        GetAsync<Convergence>($"/fleets/{Segment(fleet)}/convergence?policy_hash={Segment(policyHash)}", cancellationToken);

    /// <summary>
    /// A decision made by the control plane in a node's name. Refusals (the node is silent, fenced, not armed) are
    /// <see cref="PolicyApiException"/> with status 503 and a code of <c>decide.*</c>; they are not repeated.
    /// </summary>
    public async Task<DecisionAnswer> DecideAsync(string fleet, string node, DecideInput input, CancellationToken cancellationToken = default) =>
        Read<DecisionAnswer>(await SendAsync(
            new PolicyRequest(HttpMethod.Post, _tenantPath + NodePath(fleet, node) + "/decide") { Body = Json(input), MaxAttempts = 1 },
            cancellationToken));

    internal async Task<HeardDirective> HearDirectiveAsync(
        string fleet, string node, string? etag, TimeSpan wait, CancellationToken cancellationToken)
    {
        var path = $"{_tenantPath}{NodePath(fleet, node)}/directive";
        var held = etag is not null && wait > TimeSpan.Zero;
        var answer = await SendAsync(
            new PolicyRequest(HttpMethod.Get, held ? $"{path}?wait={(int)wait.TotalSeconds}" : path)
            {
                IfNoneMatch = etag,

                // Ten thousand that come back at once are answered in their turn: asking again early would only lengthen the queue.
                Timeout = TimeSpan.FromSeconds(Math.Max(wait.TotalSeconds + 5, 12)),
                MaxAttempts = 1,
                MaxAnswerBytes = DirectiveBytesMax,
            },
            cancellationToken);
        return answer.Status == 304
            ? new HeardDirective(null, etag, answer.LeaseSec, answer.SentAt)
            : new HeardDirective(Read<NodeDirective>(answer), answer.ETag, answer.LeaseSec, answer.SentAt);
    }

    internal async Task<HeardReport> ReportAsync(
        string fleet, string node, ReadOnlyMemory<byte> report, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(
            new PolicyRequest(HttpMethod.Post, $"{_tenantPath}{NodePath(fleet, node)}/report")
            {
                Body = report,
                Timeout = timeout,
                MaxAttempts = 1,
                MaxAnswerBytes = DirectiveBytesMax,
            },
            cancellationToken);
        return new HeardReport(Read<ReportAnswer>(answer), answer.SentAt);
    }

    private static string NodePath(string fleet, string node) => $"/fleets/{Segment(fleet)}/nodes/{Segment(node)}";

    private sealed record RegistrationBody(
        string? Role, string? ParityGroup, string? FailureDomain, ImmutableSortedDictionary<string, string>? Labels);

    /// <summary>The settings as the API takes them: an absent lease means the default, so "off" is an explicit null.</summary>
    private sealed record FleetBody(bool RequiresArmed, JsonElement MaxStalenessSec, int NodeTtlSec, double ReportIntervalSec)
    {
        public static FleetBody Of(FleetSettings settings) => new(
            settings.RequiresArmed,
            JsonSerializer.SerializeToElement(settings.MaxStalenessSec, PolicyJson.Options),
            settings.NodeTtlSec,
            settings.ReportIntervalSec);
    }
}
