using System.Collections.Immutable;
using System.Text.Json.Serialization;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;
using OrleansPolicy.Silo.Decisions;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The nodes of a fleet: registered, read, taken out.</summary>
public static class NodeEndpoints
{
    private static readonly BodyLimit BatchLimit = new(16 * 1024 * 1024);

    /// <summary>Maps them.</summary>
    public static void MapNodes(this IEndpointRouteBuilder routes)
    {
        routes.MapPut("/fleets/{fleet}/nodes/{node}", RegisterAsync)
            .Is(Permission.KeepNode, "Register a node; durable before the answer", "fleet.unknown", GroupCodes.AcrossFleets, GroupCodes.Disarmed, "node.labels", Names.InvalidCode)
            .WithMetadata(new AnsweredAnew())
            .Takes<NodeRequest>()
            .Gives<RegisteredNode>();
        routes.MapDelete("/fleets/{fleet}/nodes/{node}", RemoveAsync)
            .Is(Permission.KeepNode, "Take a node out of its fleet", "fleet.unknown", "node.unknown")
            .Gives<NodeRecord>();
        routes.MapPost("/fleets/{fleet}/nodes:batch", RegisterManyAsync)
            .Is(Permission.RegisterNodes, "Register up to 10,000 nodes at once", "fleet.unknown", GroupCodes.AcrossFleets, GroupCodes.Disarmed, "node.labels", "node.duplicate", "node.batch_size", Names.InvalidCode)
            .WithMetadata(new AnsweredAnew())
            .Takes<ImmutableArray<NodeRegistration>>(BatchLimit)
            .Gives<RegisteredNodes>();
        routes.MapGet("/fleets/{fleet}/nodes", ListAsync)
            .Is(Permission.Read, "Every node with what it last said", "fleet.unknown")
            .Gives<NodeList>();
        routes.MapGet("/fleets/{fleet}/nodes/{node}", GetAsync)
            .Is(Permission.ReadNode, "One node with its last ten reloads", "fleet.unknown", "node.unknown")
            .Gives<NodeView>();
    }

    private static async Task<IResult> RegisterAsync(
        string tenant, string fleet, string node, IGrainFactory grains, FleetFeeds feeds, BundleVersions versions, HttpContext http)
    {
        var request = await http.ReadAsync<NodeRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var registered = await grains.Fleet(tenant, fleet).RegisterAsync([request.Value.ToRegistration(node)], http.CallerOf());
        if (!registered.Succeeded)
        {
            return registered.Refusal();
        }

        var record = registered.Value[0];
        if (http.ApiCaller().Role != Role.Node)
        {
            return await DescribeAsync(tenant, fleet, record, grains, versions);
        }

        // The node itself asks: it is heard, and its directive grants its first lease.
        var heard = await feeds.WaitAsync(tenant, fleet, node, etag: null, TimeSpan.Zero, http.RequestAborted);
        return heard is FeedAnswer.Changed changed ? Answers.Ok(RegisteredNode.Of(record, changed.Directive)) : heard.ToResult();
    }

    // Somebody else registers it: that is no word of the node's, so there is no lease in the answer (null would mean that leases are off).
    private static async Task<IResult> DescribeAsync(string tenant, string fleet, NodeRecord record, IGrainFactory grains, BundleVersions versions)
    {
        var known = await grains.Fleet(tenant, fleet).GetAsync();
        if (!known.Succeeded)
        {
            return known.Refusal();
        }

        var hash = Cohorts.AssignedHash(known.Value.Directive, record);
        return Answers.Ok(RegisteredNode.Of(record, new NodeDirective
        {
            Epoch = known.Value.Directive.Epoch,
            ArmEpoch = known.Value.Arms.Epoch,
            Armed = known.Value.IsNodeArmed(record),
            PolicyHash = hash,
            ShadowHash = Cohorts.ShadowHash(known.Value.Directive),
            Group = record is { ParityGroup: { } group, Group: { } place }
                ? new GroupDirective(group, place.FailureDomain, place.Registration, known.Value.Parity.StandingOf(known.Value.Directive, record).Phase) { OverCap = record.OverCap }
                : null,
            Version = hash is null ? null : known.Value.Directive.FileVersion ?? await versions.FindAsync(tenant, hash),
            LeaseSec = Lease.Grant(known.Value.Settings, known.Value.Directive) is null ? null : 0,
            ReportIntervalSec = known.Value.Settings.ReportIntervalSec,
            ContentUrl = hash is null || FileDirective.Holds(known.Value.Directive) ? null : $"/v1/{tenant}/bundles/{hash}/content",
        }));
    }

    private static async Task<IResult> RegisterManyAsync(string tenant, string fleet, IGrainFactory grains, HttpContext http)
    {
        var registrations = await http.ReadAsync<NodeRegistration[]>();
        if (!registrations.Succeeded)
        {
            return registrations.Refusal();
        }

        if (Array.Exists(registrations.Value, registration => registration is null))
        {
            return new ProblemAnswer("request.invalid", "A registration must not be null.");
        }

        var registered = await grains.Fleet(tenant, fleet).RegisterAsync([.. registrations.Value], http.CallerOf());
        if (!registered.Succeeded)
        {
            return registered.Refusal();
        }

        var snapshot = await grains.Fleet(tenant, fleet).GetAsync();
        return snapshot.Answer(known => new RegisteredNodes(registered.Value, known.Directive));
    }

    private static async Task<IResult> RemoveAsync(string tenant, string fleet, string node, IGrainFactory grains, HttpContext http) =>
        (await grains.Fleet(tenant, fleet).RemoveAsync(node, http.CallerOf())).Answer();

    private static async Task<IResult> ListAsync(string tenant, string fleet, IGrainFactory grains, BundleVersions versions)
    {
        var nodes = await grains.Fleet(tenant, fleet).NodesAsync();
        if (!nodes.Succeeded)
        {
            return nodes.Refusal();
        }

        var named = await versions.FindAsync(tenant, nodes.Value.Select(node => node.PolicyHash));
        return Answers.Ok(new NodeList([.. nodes.Value.Select(node => NodeView.Of(node, named))]));
    }

    private static async Task<IResult> GetAsync(string tenant, string fleet, string node, IGrainFactory grains, BundleVersions versions)
    {
        var status = await grains.Fleet(tenant, fleet).NodeAsync(node);
        if (!status.Succeeded)
        {
            return status.Refusal();
        }

        var history = await grains.Node(tenant, fleet, node).GetAsync();
        var named = await versions.FindAsync(tenant, [status.Value.PolicyHash]);
        return Answers.Ok(NodeView.Of(status.Value, named) with { History = history.Reloads });
    }
}

/// <summary>What a node says of itself when it registers.</summary>
/// <param name="Role">Its part in a parity group.</param>
/// <param name="ParityGroup">The nodes that must run the same bundle as this one, or none may serve.</param>
/// <param name="FailureDomain">What it shares a fate with; default <c>default</c>.</param>
/// <param name="Labels">At most 32.</param>
public sealed record NodeRequest(string? Role, string? ParityGroup, string? FailureDomain, ImmutableSortedDictionary<string, string>? Labels)
{
    internal NodeRegistration ToRegistration(string node) => new()
    {
        Node = node,
        Role = Role,
        ParityGroup = ParityGroup,
        FailureDomain = FailureDomain ?? "default",
        Labels = Labels ?? ImmutableSortedDictionary<string, string>.Empty,
    };
}

/// <summary>A node just registered, with what it should run.</summary>
public sealed record RegisteredNode(string Node, long Registration, string FailureDomain, DateTimeOffset RegisteredAt, NodeDirective Directive)
{
    internal static RegisteredNode Of(NodeRecord record, NodeDirective directive) =>
        new(record.Node, record.Registration, record.FailureDomain, record.RegisteredAt, directive);
}

/// <summary>Nodes just registered, in the order asked, with the fleet's whole directive.</summary>
public sealed record RegisteredNodes(ImmutableArray<NodeRecord> Nodes, Directive Directive);

/// <summary>A node for a reader.</summary>
public sealed record NodeView
{
    /// <summary>Its name.</summary>
    public required string Node { get; init; }

    /// <summary>live, silent, fenced or left.</summary>
    public required NodeState State { get; init; }

    /// <summary>The hash it last reported.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>The version of that bundle.</summary>
    public string? Version { get; init; }

    /// <summary>The epoch it last reported.</summary>
    public long Epoch { get; init; }

    /// <summary>Whether it ACKed that epoch.</summary>
    public bool Acked { get; init; }

    /// <summary>Its last NACK's words.</summary>
    public string? Error { get; init; }

    /// <summary>Whether it reports itself armed.</summary>
    public bool Armed { get; init; }

    /// <summary>Its part in a parity group.</summary>
    public string? Role { get; init; }

    /// <summary>The nodes that must run the same bundle as this one, or none may serve.</summary>
    public string? ParityGroup { get; init; }

    /// <inheritdoc cref="NodeRecord.OverCap"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool OverCap { get; init; }

    /// <summary>Its failure domain.</summary>
    public required string FailureDomain { get; init; }

    /// <summary>Its labels.</summary>
    public required ImmutableSortedDictionary<string, string> Labels { get; init; }

    /// <summary>Its registration number.</summary>
    public long Registration { get; init; }

    /// <summary>When it registered.</summary>
    public DateTimeOffset RegisteredAt { get; init; }

    /// <summary>When it last reported.</summary>
    public DateTimeOffset? LastReportAt { get; init; }

    /// <summary>When it was last heard, by a report or a poll.</summary>
    public DateTimeOffset? LastHeardAt { get; init; }

    /// <summary>At most ten reloads, newest first; for one node only.</summary>
    public ImmutableArray<ReloadRecord>? History { get; init; }

    internal static NodeView Of(NodeStatus status, IReadOnlyDictionary<string, string> versions) => new()
    {
        Node = status.Record.Node,
        State = status.State,
        PolicyHash = status.PolicyHash,
        Version = status.PolicyHash is { } hash && versions.TryGetValue(hash, out var version) ? version : null,
        Epoch = status.Epoch,
        Acked = status.Acked,
        Error = status.Error,
        Armed = status.Armed,
        Role = status.Record.Role,
        ParityGroup = status.Record.ParityGroup,
        OverCap = status.Record.OverCap,
        FailureDomain = status.Record.FailureDomain,
        Labels = status.Record.Labels,
        Registration = status.Record.Registration,
        RegisteredAt = status.Record.RegisteredAt,
        LastReportAt = status.LastReportAt,
        LastHeardAt = status.LastHeardAt,
    };
}

/// <summary>A fleet's nodes.</summary>
public sealed record NodeList(ImmutableArray<NodeView> Nodes);
