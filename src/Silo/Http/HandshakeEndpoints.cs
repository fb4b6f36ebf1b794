using System.Collections.Immutable;
using System.Text.Json.Nodes;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Parity;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Http;

/// <summary>One question of a handshake: whether the other members of a node's parity group run what it runs.</summary>
public static class HandshakeEndpoints
{
    private const int RoleLengthMax = 128;

    /// <summary>Maps it.</summary>
    public static void MapHandshake(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/fleets/{fleet}/handshake", AskAsync)
            .Is(
                Permission.Handshake, "Compare what a node runs with what the other members of its parity group report", "fleet.unknown", "node.unknown",
                "parity.role", "parity.hash", Handshake.MismatchCode, Handshake.NoAnswerCode, Names.InvalidCode)
            .WithMetadata(new AnsweredAnew())
            .Takes<HandshakeRequest>()
            .Gives<HandshakeView>();

    private static async Task<IResult> AskAsync(
        string tenant, string fleet, IGrainFactory grains, ICatalogStore catalog, PolicyMeter meter, HttpContext http)
    {
        var request = await http.ReadAsync<HandshakeRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (node, role, hash) = request.Value;
        if (Check(request.Value) is { } refusal)
        {
            return refusal;
        }

        if (http.ApiCaller() is { Role: Role.Node } caller && caller.Key.Node != node)
        {
            return new ProblemAnswer("auth.node", "The key acts for another node.");
        }

        var members = await grains.Fleet(tenant, fleet).HandshakeMembersAsync(node!, role);
        if (!members.Succeeded)
        {
            return members.Refusal();
        }

        var verdict = HandshakeMembers.Judge(node!, hash!, await InKindAsync(tenant, members.Value, catalog));
        if (verdict.Success)
        {
            meter.Handshakes.Add(1, new("tenant", tenant), new KeyValuePair<string, object?>("fleet", fleet));
            return Answers.Ok(new HandshakeView(true, hash!, verdict.RemoteHash!, verdict.HashKind));
        }

        return new ProblemAnswer([new Problem(verdict.Code!, verdict.Message)], extensions: new JsonObject
        {
            ["success"] = false,
            ["local_hash"] = hash,
            ["remote_hash"] = verdict.RemoteHash,
            ["hash_kind"] = verdict.HashKind,
        });
    }

    private static ProblemAnswer? Check(HandshakeRequest request) => RequestRules.Collect(
        Names.Check(request.Node, "The node", "$.node"),
        request.Role is { Length: 0 or > RoleLengthMax } ? new Problem("parity.role", $"role is a text of 1 to {RoleLengthMax} characters, or absent.", "$.role") : null,
        request.PolicyHash is { Length: >= 1 and <= HandshakeMembers.HashLengthMax }
            ? null
            : new Problem("parity.hash", $"policy_hash is what the node runs, 1 to {HandshakeMembers.HashLengthMax} characters.", "$.policy_hash"));

    // A document is known by its own hash: what an independent program computes from its file.
    private static async Task<ImmutableArray<HandshakeMember>> InKindAsync(string tenant, ImmutableArray<HandshakeMember> members, ICatalogStore catalog)
    {
        var documents = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var hash in members.SelectMany(member => new[] { member.ReportedHash, member.ComingHash }).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            if (await catalog.FindBundleAsync(tenant, hash) is { DocumentHash: { } document })
            {
                documents[hash] = document;
            }
        }

        return documents.Count == 0
            ? members
            : [.. members.Select(member => member with
            {
                ReportedHash = InKind(member.ReportedHash),
                ComingHash = InKind(member.ComingHash),
                HashKind = (member.ReportedHash ?? member.ComingHash) is { } known && documents.ContainsKey(known) ? Handshake.DocumentHashKind : Handshake.PolicyHashKind,
            })];

        string? InKind(string? hash) => hash is not null && documents.TryGetValue(hash, out var document) ? document : hash;
    }
}

/// <summary>A question of a handshake.</summary>
/// <param name="Node">Who asks; registered in the fleet.</param>
/// <param name="Role">Its role, where it registered without one; else the same or absent.</param>
/// <param name="PolicyHash">What it runs: the hash of a rules bundle, the document hash of a document bundle.</param>
public sealed record HandshakeRequest(string? Node, string? Role, string? PolicyHash);

/// <summary>The hashes are equal.</summary>
/// <param name="Success">True; else the answer is a problem with the same fields.</param>
/// <param name="LocalHash">What the node runs, as it said.</param>
/// <param name="RemoteHash">What the other members run.</param>
/// <param name="HashKind"><c>document_hash</c> for document bundles, else <c>policy_hash</c>.</param>
public sealed record HandshakeView(bool Success, string LocalHash, string RemoteHash, string HashKind);
