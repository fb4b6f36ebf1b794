using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>
/// Looks at an overdue rollout in place of its grain, which gave no answer: by the same decider, through the same port. Where the
/// fleet's grain gives none either, time and the stored registrations alone still tell when a way back is over.
/// </summary>
public sealed class OverdueRollouts
{
    /// <summary>How long a grain may take to answer here. Bounded, because somebody waits for a way back.</summary>
    public static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(2);

    private static readonly Caller Scanner = new(Actor.ControlPlane("scanner"));

    private readonly IRolloutStore _store;
    private readonly ChangeCommitter _committer;
    private readonly RolloutLooks _looks;
    private readonly RolloutNews _news;
    private readonly TimeProvider _clock;

    internal OverdueRollouts(IRolloutStore store, ChangeCommitter committer, RolloutLooks looks, RolloutNews news, TimeProvider clock) =>
        (_store, _committer, _looks, _news, _clock) = (store, committer, looks, news, clock);

    /// <summary>
    /// Looks, decides and commits. Two silos that look at once, or a silo and the rollout's grain, decide the same: one commits, the
    /// other finds the revision moved on. Fails as a look does; throws <see cref="StoreUnavailableException"/>.
    /// </summary>
    public async Task<Outcome<RolloutView>> LookAsync(string tenant, string rolloutId)
    {
        DateTimeOffset? durableAt = null;
        var looked = await LookOnceAsync(tenant, rolloutId, null, () => durableAt = _clock.GetUtcNow());

        // What began here is known to be durable now: from this moment leases end, so it is written down at once.
        return looked is { Succeeded: true, Value.Rollback: { DurableAt: null } } && durableAt is not null
            ? await LookOnceAsync(tenant, rolloutId, durableAt, () => { })
            : looked;
    }

    private Task<Outcome<RolloutView>> LookOnceAsync(string tenant, string rolloutId, DateTimeOffset? durableAt, Action committed) =>
        _committer.CommitAsync(tenant, Scanner, async () =>
        {
            if (await _store.ReadRolloutAsync(tenant, rolloutId) is not { IsFinal: false } state)
            {
                return Outcome<Proposal<RolloutView>>.Fail("rollout.unknown", $"There is no rollout '{rolloutId}' that is not final.");
            }

            var looked = await LookAsync(state, durableAt);
            if (!looked.Succeeded)
            {
                return looked.As<Proposal<RolloutView>>();
            }

            var change = looked.Value.Change;
            var answer = RolloutViews.View(change.After, looked.Value.Seen.Nodes, looked.Value.Seen.Return);
            return Outcome<Proposal<RolloutView>>.Ok(ReferenceEquals(change.Before, change.After)
                ? new Proposal<RolloutView>(answer)
                : new Proposal<RolloutView>(answer, change.ToChange(null))
                {
                    Then = () =>
                    {
                        committed();
                        return _news.TellAsync(change);
                    },
                });
        });

    private async Task<Outcome<Looked>> LookAsync(RolloutState state, DateTimeOffset? durableAt)
    {
        Outcome<Looked> looked;
        try
        {
            looked = await _looks.DecideAsync(state, durableAt).WaitAsync(AnswerWithin);
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            looked = Outcome<Looked>.Fail(CommonCodes.StoreUnavailable, $"The fleet {state.Fleet} did not answer in {AnswerWithin.TotalSeconds} s.");
        }

        return !looked.Succeeded && state.Return is { IsOpen: true } ? await _looks.DecideFromStoreAsync(state) : looked;
    }
}
