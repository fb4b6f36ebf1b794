using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Silo.Feed;

/// <summary>
/// What a feed knows of its fleet at one moment, swapped as a whole. Nodes that run the same hear the same, so an answer is made once
/// for each hash and then looked up; and all who wait, wait for one signal.
/// </summary>
internal sealed class FeedSnapshot(FleetSnapshot fleet, ImmutableDictionary<string, string> versions)
{
    private const int ETagBytes = 12;

    private readonly ConcurrentDictionary<(string? Hash, string? Fallback, bool Armed, GroupDirective? Group), FeedAnswer.Changed> _answers = new();
    private readonly TaskCompletionSource _replaced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Settings and directive.</summary>
    public FleetSnapshot Fleet => fleet;

    /// <summary>What the next read of the truth is compared with.</summary>
    public KnownFleet Known => new(fleet.Tenant, fleet.Fleet, fleet.Revision, fleet.Arms.Epoch);

    /// <summary>Ends when another snapshot has taken this one's place.</summary>
    public Task Replaced => _replaced.Task;

    /// <summary>Wakes everybody who waits.</summary>
    public void Replace() => _replaced.TrySetResult();

    /// <summary>What a node hears.</summary>
    public FeedAnswer.Changed AnswerFor(NodeRecord node)
    {
        if (node is { ParityGroup: { } group, Group: { } place })
        {
            var standing = fleet.Parity.StandingOf(fleet.Directive, node);
            var served = standing.Phase == ParityPhase.Prepare ? standing.ServedUnder(fleet.Directive) : null;
            return AnswerOf(
                standing.To, served, fleet.IsNodeArmed(node),
                new GroupDirective(group, place.FailureDomain, place.Registration, standing.Phase) { OverCap = node.OverCap });
        }

        var hash = Cohorts.AssignedHash(fleet.Directive, node);
        var isInCohort = hash == fleet.Directive.Target && !fleet.Directive.AtRest;
        return AnswerOf(hash, isInCohort ? fleet.Directive.Fallback : null, fleet.IsNodeArmed(node), null);
    }

    /// <summary>Whether a node may serve a hash.</summary>
    public bool Allows(NodeRecord node, string? hash)
    {
        var answer = AnswerFor(node).Directive;
        return answer.Group is { } group
            ? !group.OverCap && group.LetsServe(hash, answer.PolicyHash, answer.FallbackHash)
            : hash is not null && (hash == answer.PolicyHash || hash == answer.FallbackHash);
    }

    private FeedAnswer.Changed AnswerOf(string? hash, string? fallback, bool armed, GroupDirective? group) => _answers.GetOrAdd(
        (hash, fallback, armed, group), static (key, self) => self.Make(key.Hash, key.Fallback, key.Armed, key.Group), this);

    private FeedAnswer.Changed Make(string? hash, string? fallback, bool armed, GroupDirective? group)
    {
        var directive = new NodeDirective
        {
            Epoch = fleet.Directive.Epoch,
            ArmEpoch = fleet.Arms.Epoch,
            Armed = armed,
            PolicyHash = hash,
            FallbackHash = fallback,
            Group = group,
            ShadowHash = Cohorts.ShadowHash(fleet.Directive),
            Version = hash is null ? null : fleet.Directive.FileVersion ?? versions.GetValueOrDefault(hash),
            LeaseSec = Lease.Grant(fleet.Settings, fleet.Directive),
            ReportIntervalSec = fleet.Settings.ReportIntervalSec,
            ContentUrl = hash is null || FileDirective.Holds(fleet.Directive) ? null : $"/v1/{fleet.Tenant}/bundles/{hash}/content",
        };
        var body = JsonSerializer.SerializeToUtf8Bytes(directive, PolicyJson.Options);
        var tag = Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, ETagBytes));
        return new FeedAnswer.Changed(directive, $"\"{tag}\"", body);
    }
}
