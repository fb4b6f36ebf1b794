using OrleansPolicy.Client;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Cli.Runbook;

/// <summary>The checklist before a deployment: it looks and changes nothing.</summary>
internal static class RunbookChecklist
{
    /// <summary>What is to be deployed, and from what. Null: something on the list does not hold, and was told.</summary>
    public static async Task<RunbookPlan?> CheckAsync(
        PolicyClient client, string fleet, string reference, string executionRole, string brainRole, double windowSec, Action<string> say, CancellationToken cancellationToken)
    {
        say("Pre-Deployment Checklist");
        var holds = true;
        var bundle = await client.GetBundleAsync(reference, cancellationToken);
        var snapshot = await client.GetFleetAsync(fleet, cancellationToken);
        var nodes = await client.ListNodesAsync(fleet, cancellationToken);
        var (execution, brain) = (RunbookSides.SideOf(nodes, executionRole), RunbookSides.SideOf(nodes, brainRole));
        var running = snapshot.Directive.Target;
        var held = (await client.ListQuarantineAsync(fleet, cancellationToken)).FirstOrDefault(one => one.PolicyHash == bundle.PolicyHash);

        Tick(held is null, $"New policy reviewed and approved: {bundle.Version}, signed, published by {bundle.PublishedBy ?? "-"} at {Show.Time(bundle.PublishedAt)}"
            + (held is null ? "" : $"; taken back before, {held.Reason}: it is in quarantine"));
        Tick(true, $"Policy hash calculated: sha256(canonicalize(policy)) = {bundle.DocumentHash ?? bundle.PolicyHash}");
        Tick(running is not null && snapshot.Directive.AtRest && running != bundle.PolicyHash,
            running is null ? "The fleet runs nothing that it could go back to: give it a baseline first"
            : !snapshot.Directive.AtRest ? $"The fleet is split at {snapshot.Directive.Percentage} %: end its rollout first"
            : running == bundle.PolicyHash ? "The whole fleet runs it already"
            : $"The fleet is at rest on {Show.Hash(running)}, which it goes back to if anything fails");
        foreach (var (name, role, side) in new[] { ("Execution", executionRole, execution), ("Brain", brainRole, brain) })
        {
            var lacking = side.FirstOrDefault(node => node.State != NodeState.Live || node.PolicyHash != running);
            Tick(!side.IsEmpty && lacking is null, side.IsEmpty ? $"{name}: no node of role {role}"
                : lacking is not null ? $"{name}: {lacking.Node} is {Show.Word(lacking.State)} with {Show.Hash(lacking.PolicyHash)}"
                : $"{name} is live on {Show.Hash(running)}: {string.Join(", ", side.Select(node => node.Node))}");
        }

        say("- [ ] Execution is DISARMed (safety gate): step 1");
        Tick(true, $"Operator is prepared to monitor rejection telemetry: step 5 watches it for {windowSec} s");
        return holds
            ? new RunbookPlan(bundle.Version, bundle.PolicyHash, bundle.DocumentHash ?? bundle.PolicyHash, running!, await ComparedAsync(client, running!, cancellationToken))
            : null;

        void Tick(bool isTrue, string what)
        {
            say($"- [{(isTrue ? "x" : " ")}] {what}");
            holds &= isTrue;
        }
    }

    private static async Task<string> ComparedAsync(PolicyClient client, string policyHash, CancellationToken cancellationToken) =>
        (await client.GetBundleAsync(policyHash, cancellationToken)).DocumentHash ?? policyHash;
}

/// <summary>What a run deploys, and from what.</summary>
internal sealed record RunbookPlan(string Version, string PolicyHash, string ComparedHash, string PreviousHash, string PreviousComparedHash);
