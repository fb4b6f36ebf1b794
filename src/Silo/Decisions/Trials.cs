using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Silo.Decisions;

/// <summary>
/// Decisions in bulk, for trying. Leases, grains and the reading of the truth share the threads of the pool, so no trial may keep
/// those for long: what a trial takes is bounded before it begins, all but small ones run on a thread of their own, one at a time in
/// this process, and a trial whose caller has gone ends.
/// </summary>
public sealed class Trials : IDisposable
{
    /// <summary>The code where too many others are being tried.</summary>
    public const string BusyCode = "service.busy";

    /// <summary>The most that one trial may take, as <see cref="RuleSet.Effort"/> counts: a second or few.</summary>
    public const long EffortMax = 20_000_000;

    /// <summary>The most that takes no turn: some milliseconds.</summary>
    public const long SmallEffortMax = 100_000;

    /// <summary>How many larger ones of one tenant may be under way or wait: no tenant takes all turns of the others.</summary>
    public const int OfTenantMax = 4;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);
    private readonly SemaphoreSlim turn = new(1);
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> underWay = new(StringComparer.Ordinal);

    /// <summary>How long a trial waits for its turn.</summary>
    internal TimeSpan WaitMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// One decision for each input, in order. Fails with <c>request.inputs</c> where they take more than <see cref="EffortMax"/>, and with
    /// <c>service.busy</c>. Throws <see cref="OperationCanceledException"/> soon after <paramref name="aborted"/>.
    /// </summary>
    public async Task<Outcome<ImmutableArray<Decision>>> DecideAsync(
        string tenant, RuleSet rules, ImmutableArray<DecisionInput> inputs, DateTimeOffset now, CancellationToken aborted)
    {
        ArgumentNullException.ThrowIfNull(tenant);
        ArgumentNullException.ThrowIfNull(rules);
        var effort = 0L;
        for (var i = 0; i < inputs.Length; i++)
        {
            aborted.ThrowIfCancellationRequested();
            effort += rules.Effort(inputs[i], EffortMax - effort);
            if (effort > EffortMax)
            {
                return TooMuch(i);
            }
        }

        return effort <= SmallEffortMax
            ? Outcome<ImmutableArray<Decision>>.Ok(Decide(rules, inputs, now, aborted))
            : await InTurnAsync(tenant, () => Decide(rules, inputs, now, aborted), aborted);
    }

    /// <inheritdoc/>
    public void Dispose() => turn.Dispose();

    internal static ImmutableArray<Decision> Decide(RuleSet rules, ImmutableArray<DecisionInput> inputs, DateTimeOffset now, CancellationToken aborted)
    {
        var decisions = ImmutableArray.CreateBuilder<Decision>(inputs.Length);
        foreach (var input in inputs)
        {
            aborted.ThrowIfCancellationRequested();
            decisions.Add(rules.Decide(new DecisionRequest(input.CapabilityId, input.Context, now)));
        }

        return decisions.MoveToImmutable();
    }

    /// <summary>Does large work on a thread of its own, once no other is under way.</summary>
    internal async Task<Outcome<T>> InTurnAsync<T>(string tenant, Func<T> work, CancellationToken aborted)
    {
        if (!TryEnter(tenant))
        {
            return Busy<T>($"{OfTenantMax} large trials of this tenant are under way, and no more may be.");
        }

        try
        {
            if (!await turn.WaitAsync(WaitMax, aborted))
            {
                return Busy<T>("Other large trials are under way.");
            }

            try
            {
                return Outcome<T>.Ok(await Task.Factory.StartNew(
                    work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default));
            }
            finally
            {
                turn.Release();
            }
        }
        finally
        {
            Leave(tenant);
        }
    }

    private static Outcome<ImmutableArray<Decision>> TooMuch(int fitting) => Outcome<ImmutableArray<Decision>>.Fail(
        "request.inputs",
        string.Create(CultureInfo.InvariantCulture, $"Deciding the inputs would try more than {EffortMax:N0} rules, large rules and contexts counted several times. ")
        + (fitting > 0
            ? $"Send fewer in one request: the first {fitting} can be."
            : "The first alone is too much: shorten its context, or give rules the capability that they are for."),
        "$.inputs");

    private static Outcome<T> Busy<T>(string why) =>
        Outcome<T>.Fail(BusyCode, why + " Come back later, or send fewer inputs in one request.") with { RetryAfter = RetryAfter };

    private bool TryEnter(string tenant)
    {
        lock (gate)
        {
            var known = underWay.GetValueOrDefault(tenant);
            if (known < OfTenantMax)
            {
                underWay[tenant] = known + 1;
            }

            return known < OfTenantMax;
        }
    }

    private void Leave(string tenant)
    {
        lock (gate)
        {
            if (--underWay[tenant] == 0)
            {
                underWay.Remove(tenant);
            }
        }
    }
}
