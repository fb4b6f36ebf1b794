using System.Collections.Immutable;
using OrleansPolicy.Runs;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>Records a run as evidence, with the policy and the tags in force; the same again is the same answer.</summary>
    public Task<RunRecord> RecordRunAsync(RunRequest run, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<RunRequest, RunRecord>(HttpMethod.Post, "/runs", run, idempotencyKey, cancellationToken);

    /// <summary>A recorded run; null: there is none.</summary>
    public async Task<RunRecord?> FindRunAsync(string runId, CancellationToken cancellationToken = default)
    {
        try
        {
            return await GetAsync<RunRecord>("/runs/" + Segment(runId), cancellationToken);
        }
        catch (PolicyApiException e) when (e.Code == "run.unknown")
        {
            return null;
        }
    }

    /// <summary>The newest runs, newest first; those under one policy where that is named.</summary>
    public Task<ImmutableArray<RunRecord>> ListRunsAsync(string? policyHash = null, CancellationToken cancellationToken = default) =>
        ListAsync<RunRecord>(policyHash is null ? "/runs" : "/runs?policy_hash=" + Segment(policyHash), "runs", cancellationToken);
}
