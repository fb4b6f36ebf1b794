using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Silo.Decisions;

namespace OrleansPolicy.Silo.Tests.Decisions;

public sealed class TrialsTests : IDisposable
{
    private static readonly DecisionInput Read = new("orders.read", default);

    private readonly Trials _trials = new() { WaitMax = Timeout.InfiniteTimeSpan };
    private readonly ManualResetEventSlim _end = new();

    public void Dispose()
    {
        _end.Set();
        _trials.Dispose();
        _end.Dispose();
    }

    [Fact]
    public async Task What_would_try_too_many_rules_is_refused_and_says_how_many_inputs_fit()
    {
        var fitting = (int)(Trials.EffortMax / 3_000);

        var refused = await TryAsync(Rules(3_000), fitting + 1);
        var alone = await _trials.DecideAsync("a", Rules(3_000), [Read with { Context = Large(8 * 1024 * 1024) }], default, CancellationToken.None);

        Assert.Equal(("request.inputs", "$.inputs"), (Assert.Single(refused.Problems).Code, refused.Problems[0].Path));
        Assert.Contains($"the first {fitting} can be", refused.Problems[0].Message, StringComparison.Ordinal);
        Assert.Equal("request.inputs", Assert.Single(alone.Problems).Code);
        Assert.Contains("The first alone is too much", alone.Problems[0].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(1_000)]
    public async Task Small_or_large_each_input_has_its_decision(int inputs)
    {
        var decided = await TryAsync(Rules(300), inputs);

        Assert.Equal(inputs, decided.Value.Length);
        Assert.All(decided.Value, decision => Assert.Equal("r299", decision.RuleId));
    }

    [Fact]
    public async Task A_trial_whose_caller_has_gone_ends()
    {
        var gone = new CancellationToken(canceled: true);

        Assert.Throws<OperationCanceledException>(() => Trials.Decide(Rules(1), [Read], default, gone));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _trials.DecideAsync("a", Rules(1), [Read], default, gone));
    }

    [Fact]
    public async Task One_runs_at_a_time_on_a_thread_of_its_own_and_who_waits_too_long_is_told_to_come_back()
    {
        using var trials = new Trials { WaitMax = TimeSpan.Zero };
        var first = trials.InTurnAsync("a", Hold, CancellationToken.None);

        var second = await trials.InTurnAsync("b", Hold, CancellationToken.None);
        _end.Set();

        Assert.Equal(Trials.BusyCode, Assert.Single(second.Problems).Code);
        Assert.True(second.RetryAfter > TimeSpan.Zero);
        Assert.True((await first).Succeeded);
        Assert.False((await trials.InTurnAsync("b", () => Thread.CurrentThread.IsThreadPoolThread, CancellationToken.None)).Value);
    }

    [Fact]
    public async Task No_tenant_takes_all_turns_of_the_others()
    {
        var own = Enumerable.Range(0, Trials.OfTenantMax).Select(_ => _trials.InTurnAsync("a", Hold, CancellationToken.None)).ToArray();
        var others = _trials.InTurnAsync("b", Hold, CancellationToken.None);

        var beyond = await _trials.InTurnAsync("a", Hold, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        _end.Set();

        Assert.Equal(Trials.BusyCode, Assert.Single(beyond.Problems).Code);
        Assert.All(await Task.WhenAll([.. own, others]), done => Assert.True(done.Succeeded));
        Assert.True((await _trials.InTurnAsync("a", Hold, CancellationToken.None)).Succeeded);
    }

    [Fact]
    public async Task Who_waits_gives_its_place_up_with_its_caller_and_what_fails_gives_its_turn_back()
    {
        var first = _trials.InTurnAsync("a", Hold, CancellationToken.None);
        using var caller = new CancellationTokenSource();
        var waiting = Enumerable.Range(1, Trials.OfTenantMax - 1).Select(_ => _trials.InTurnAsync("a", Hold, caller.Token)).ToArray();

        await caller.CancelAsync();
        foreach (var one in waiting)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        }

        var next = _trials.InTurnAsync("a", Fail, CancellationToken.None);
        _end.Set();
        Assert.True((await first).Succeeded);
        await Assert.ThrowsAsync<InvalidOperationException>(() => next);
        Assert.True((await _trials.InTurnAsync("a", Hold, CancellationToken.None)).Succeeded);
    }

    private static JsonElement Large(int bytes) => JsonElement.Parse($$"""{"text":"{{new string('x', bytes)}}"}""");

    // None says for which capability it is; the last one matches.
    private static RuleSet Rules(int count)
    {
        var rules = string.Join(',', Enumerable.Range(1, count).Select(i =>
            $$$"""{"id":"r{{{i - 1}}}","effect":"deny","match":{"path":"context.n","exists":{{{(i == count ? "false" : "true")}}}}}"""));
        var json = Encoding.UTF8.GetBytes(
            $$"""{"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"rules"},"policies":[{{rules}}]}""");
        return RuleSet.Compile(BundleReader.Read(json, BundleReadOptions.ForTrial).Value!).Value!;
    }

    private static bool Fail() => throw new InvalidOperationException("of its own");

    private bool Hold()
    {
        _end.Wait();
        return true;
    }

    private Task<Outcome<ImmutableArray<Decision>>> TryAsync(RuleSet rules, int inputs) =>
        _trials.DecideAsync("a", rules, [.. Enumerable.Repeat(Read, inputs)], default, CancellationToken.None);
}
