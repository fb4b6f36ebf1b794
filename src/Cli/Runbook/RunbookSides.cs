using System.Collections.Immutable;
using System.Diagnostics;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Cli.Runbook;

/// <summary>The two sides of a fleet, as their nodes report themselves, and how long a step waits for them.</summary>
internal sealed class RunbookSides(PolicyClient client, RunbookState run)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>The nodes of a side that may serve: who is fenced or has left serves nobody.</summary>
    public static ImmutableArray<NodeInfo> SideOf(ImmutableArray<NodeInfo> nodes, string role) =>
        [.. nodes.Where(node => node.Role == role && node.State is (NodeState.Live or NodeState.Silent))];

    /// <summary>Waits until every node of a side is live and reports a hash, one at least. A node that refuses it ends the wait.</summary>
    /// <exception cref="RunbookFailureException">It refuses, or the time is over.</exception>
    public Task<ImmutableArray<NodeInfo>> RunsAsync(string role, string policyHash, CancellationToken cancellationToken) =>
        WaitAsync($"The {role} side runs {Show.Hash(policyHash)}", role, async nodes =>
        {
            if (nodes.FirstOrDefault(node => node.Error is not null && node.PolicyHash != policyHash) is { } refusing && await WantsAsync(policyHash, cancellationToken))
            {
                throw new RunbookFailureException($"{refusing.Node} refuses the policy: {refusing.Error}");
            }

            return Lacking(nodes, node => node.State == NodeState.Live && node.PolicyHash == policyHash);
        }, cancellationToken);

    /// <summary>Waits until every node of a side says that it is armed.</summary>
    public Task<ImmutableArray<NodeInfo>> ArmedAsync(string role, CancellationToken cancellationToken) =>
        WaitAsync($"The {role} side is armed", role, nodes => Task.FromResult(Lacking(nodes, node => node is { State: NodeState.Live, Armed: true })), cancellationToken);

    /// <summary>
    /// The handshake of every node of the brain side with the rest of its group, in order. Where nobody answered, the node may be still on its
    /// way: the handshake begins again while there is time. A mismatch is an answer.
    /// </summary>
    public async Task ShakeAsync(string comparedHash, Action<string> say, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        foreach (var brain in SideOf(await client.ListNodesAsync(run.Fleet, cancellationToken), run.BrainRole))
        {
            while (true)
            {
                var shaken = await client.HandshakeAsync(run.Fleet, brain.Node, comparedHash, run.BrainRole, cancellationToken);
                if (shaken.Success)
                {
                    say($"✅ Policy hash handshake OK. Enabling signal processing. Hash: {shaken.RemoteHash} ({brain.Node})");
                    break;
                }

                if (shaken.Code == Parity.Handshake.MismatchCode || Stopwatch.GetElapsedTime(began).TotalSeconds > run.TimeoutSec)
                {
                    say($"🚨 CRITICAL: Policy hash handshake FAILED ({brain.Node})");
                    throw new RunbookFailureException(shaken.Error!);
                }
            }
        }
    }

    // A refusal of something else, from before, is no word on this.
    private async Task<bool> WantsAsync(string policyHash, CancellationToken cancellationToken) =>
        (await client.GetFleetAsync(run.Fleet, cancellationToken)).Directive.Target == policyHash;

    private static string? Lacking(ImmutableArray<NodeInfo> nodes, Func<NodeInfo, bool> isThere) =>
        nodes.IsEmpty ? "it has no node" : nodes.FirstOrDefault(node => !isThere(node)) is { } lacking
            ? $"{lacking.Node} is {Show.Word(lacking.State)} with {Show.Hash(lacking.PolicyHash)}, {(lacking.Armed ? "armed" : "disarmed")}"
            : null;

    private async Task<ImmutableArray<NodeInfo>> WaitAsync(
        string what, string role, Func<ImmutableArray<NodeInfo>, Task<string?>> look, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var isLate = Stopwatch.GetElapsedTime(began).TotalSeconds >= run.TimeoutSec;
            try
            {
                var side = SideOf(await client.ListNodesAsync(run.Fleet, cancellationToken), role);
                if (await look(side) is not { } lacking)
                {
                    return side;
                }

                if (isLate)
                {
                    throw new RunbookFailureException($"{what}: not within {run.TimeoutSec} s, {lacking}.");
                }
            }
            catch (PolicyUnreachableException) when (!isLate)
            {
                // A control plane that restarts goes on where it was; so does the wait.
            }

            await Task.Delay(LookInterval, cancellationToken);
        }
    }
}
