using System.Collections.Immutable;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Admission;

namespace OrleansPolicy.Policy.Tests.Admission;

public sealed class AdmissionLimiterTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly AdmissionDemand OfEdge = new(AdmissionDemand.StartRollout, "edge", "alice");
    private static readonly AdmissionDemand OfCore = new(AdmissionDemand.StartRollout, "core", "bob");
    private static readonly AdmissionDemand OfTenant = new(AdmissionDemand.PublishBundle);

    private static readonly UpdateLimits Three = new(10, 0)
    {
        Fleet = new UpdateLimit(2, 0),
        Operators = ImmutableSortedDictionary<string, UpdateLimit>.Empty.Add("alice", new UpdateLimit(60, 40)),
    };

    private static readonly Arbitrary<(double Tenant, double Fleet, int Cost, long[] Steps)> Runs =
        (from tenant in Gen.Elements(1.5, 3, 7, 10, 60)
         from fleet in Gen.Elements(1.3, 2, 5, 13.7)
         from cost in Gen.Choose(1, 13)
         from steps in Gen.Choose(-20_000_000, 200_000_000).Select(n => (long)n).ArrayOf()
         select (tenant, fleet, cost, steps)).ToArbitrary();

    [Fact]
    public void Every_limit_that_applies_must_admit_and_the_longest_wait_is_named()
    {
        var (first, state) = AdmissionLimiter.Take(AdmissionState.Full(T0), Three, OfEdge, T0);
        var (refused, after) = AdmissionLimiter.Take(state, Three, OfEdge, T0);

        Assert.True(first.Allowed);
        Assert.Equal((false, "operator/alice", AdmissionAnswer.ByInterval, 40.0), (refused.Allowed, refused.Scope, refused.LimitedBy, refused.TimeUntilNextSec));
        Assert.Equal(state with { SeenAt = T0 }, after);
        Assert.True(AdmissionLimiter.Take(state, Three, OfCore, T0).Answer.Allowed);
        Assert.False(AdmissionLimiter.Take(state, Three, OfEdge, T0.AddSeconds(39.999)).Answer.Allowed);
        Assert.True(AdmissionLimiter.Take(state, Three, OfEdge, T0.AddSeconds(40)).Answer.Allowed);
    }

    [Fact]
    public void A_refusal_by_one_limit_takes_nothing_of_the_others()
    {
        var state = AdmissionState.Full(T0);
        for (var i = 0; i < 5; i++)
        {
            (_, state) = AdmissionLimiter.Take(state, Three, OfEdge with { Operator = null }, T0);
        }

        // Two of the fleet, and so two of the tenant.
        Assert.Equal(8, AdmissionLimiter.Peek(state, Three, OfTenant, T0).Tokens, 6);
        Assert.Equal("fleet/edge", AdmissionLimiter.Peek(state, Three, OfEdge with { Operator = null }, T0).Scope);
    }

    [Fact]
    public void After_exactly_the_time_told_the_same_update_is_admitted_and_a_millisecond_earlier_it_is_not() =>
        Prop.ForAll(Runs, run =>
        {
            var limits = new UpdateLimits(run.Tenant, 1.1)
            {
                Fleet = new UpdateLimit(run.Fleet, 0),
                Costs = ImmutableSortedDictionary<string, double>.Empty.Add(AdmissionDemand.StartRollout, run.Cost / 10.0),
            };
            Assert.True(UpdateLimits.Validate(limits).Succeeded);
            var (state, now, demands) = (AdmissionState.Full(T0), T0, new[] { OfEdge, OfCore, OfTenant });
            foreach (var (step, index) in run.Steps.Select((step, index) => (step, index)))
            {
                now = now.AddTicks(step);
                var demand = demands[index % demands.Length];
                (var answer, state) = AdmissionLimiter.Take(state, limits, demand, now);
                var wait = TimeSpan.FromSeconds(answer.TimeUntilNextSec);
                Assert.True(AdmissionLimiter.Take(state, limits, demand, now + wait).Answer.Allowed);
                Assert.Equal(wait == TimeSpan.Zero, answer.LimitedBy is null);
                if (wait > TimeSpan.FromMilliseconds(1))
                {
                    Assert.False(AdmissionLimiter.Take(state, limits, demand, now + wait - TimeSpan.FromMilliseconds(1)).Answer.Allowed);
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void An_operation_takes_what_it_costs()
    {
        var limits = new UpdateLimits(10, 0) { Costs = ImmutableSortedDictionary<string, double>.Empty.Add(AdmissionDemand.StartRollout, 4) };
        var (_, state) = AdmissionLimiter.Take(AdmissionState.Full(T0), limits, OfEdge, T0);
        (var second, state) = AdmissionLimiter.Take(state, limits, OfEdge, T0);
        var (third, _) = AdmissionLimiter.Take(state, limits, OfEdge, T0);

        Assert.Equal((true, 2.0), (second.Allowed, second.Tokens));
        Assert.Equal((false, 12.0), (third.Allowed, third.TimeUntilNextSec));
        Assert.True(AdmissionLimiter.Take(state, limits, OfTenant, T0).Answer.Allowed);
    }

    [Fact]
    public void Who_waits_is_told_the_turn_after_those_before()
    {
        var limits = new UpdateLimits(10, 0);
        var state = AdmissionState.Full(T0);
        for (var i = 0; i < 10; i++)
        {
            (_, state) = AdmissionLimiter.Take(state, limits, OfTenant, T0);
        }

        var first = AdmissionLimiter.PeekAfter(state, limits, [], OfTenant, T0);
        var third = AdmissionLimiter.PeekAfter(state, limits, [OfTenant, OfTenant], OfTenant, T0);

        Assert.Equal((6.0, AdmissionAnswer.ByUpdates), (first.TimeUntilNextSec, first.LimitedBy));
        Assert.Equal((false, 18.0, AdmissionAnswer.ByQueue), (third.Allowed, third.TimeUntilNextSec, third.LimitedBy));
        Assert.False(AdmissionLimiter.PeekAfter(AdmissionState.Full(T0), limits, [OfTenant], OfTenant, T0).Allowed);
    }

    [Fact]
    public void A_clock_that_steps_back_stands_still_for_all_limits()
    {
        var (_, state) = AdmissionLimiter.Take(AdmissionState.Full(T0), Three, OfEdge, T0);
        (_, state) = AdmissionLimiter.Take(state, Three, OfTenant, T0.AddSeconds(10));

        // The fleet's own limit saw T0 last; going back to it must not count the ten seconds twice.
        var (early, after) = AdmissionLimiter.Take(state, Three, OfEdge, T0.AddHours(-1));
        Assert.False(early.Allowed);
        Assert.Equal(3_640, early.TimeUntilNextSec, 6);
        Assert.Equal(T0.AddSeconds(10), after.SeenAt);
    }

    [Fact]
    public void Only_limits_that_are_short_of_something_are_kept()
    {
        var (_, state) = AdmissionLimiter.Take(AdmissionState.Full(T0), Three, OfEdge, T0);
        Assert.Equal(["fleet/edge", "operator/alice"], state.Scopes!.Keys);

        (_, state) = AdmissionLimiter.Take(state, Three, OfTenant, T0.AddSeconds(35));
        Assert.Equal(["operator/alice"], state.Scopes!.Keys);

        (_, state) = AdmissionLimiter.Take(state, Three, OfTenant, T0.AddSeconds(60));
        Assert.Null(state.Scopes);
    }

    [Fact]
    public void There_is_a_bound_on_how_many_are_short_at_once()
    {
        var limits = new UpdateLimits(60_000, 0) { Fleet = new UpdateLimit(0.001, 0) };
        var state = AdmissionState.Full(T0) with
        {
            Scopes = Enumerable.Range(0, AdmissionLimiter.BusyScopesMax)
                .ToImmutableSortedDictionary(n => $"fleet/f{n}", _ => new LimiterState(T0.AddMinutes(1000), T0, T0), StringComparer.Ordinal),
        };

        var (crowded, after) = AdmissionLimiter.Take(state, limits, OfEdge, T0);

        Assert.Equal((false, AdmissionAnswer.ByUpdates), (crowded.Allowed, crowded.LimitedBy));
        Assert.Equal(AdmissionLimiter.BusyScopesMax, after.Scopes!.Count);
        Assert.True(AdmissionLimiter.Take(state, limits, OfTenant, T0).Answer.Allowed);
    }

    [Fact]
    public void Taking_a_limit_away_and_setting_it_again_mints_nothing()
    {
        var (_, state) = AdmissionLimiter.Take(AdmissionState.Full(T0), Three, OfEdge with { Operator = null }, T0);
        (_, state) = AdmissionLimiter.Take(state, Three, OfEdge with { Operator = null }, T0);
        var without = Three with { Fleet = null };

        state = AdmissionLimiter.Reconfigure(state, Three, without, T0);
        Assert.True(AdmissionLimiter.Peek(state, without, OfEdge with { Operator = null }, T0).Allowed);
        (_, state) = AdmissionLimiter.Take(state, without, OfTenant, T0);
        state = AdmissionLimiter.Reconfigure(state, without, Three, T0);

        Assert.False(AdmissionLimiter.Peek(state, Three, OfEdge with { Operator = null }, T0).Allowed);
        state = AdmissionLimiter.Reconfigure(state, Three, Three with { Fleet = new UpdateLimit(4, 0) }, T0);
        Assert.Equal(0, AdmissionLimiter.Peek(state, Three with { Fleet = new UpdateLimit(4, 0) }, OfEdge with { Operator = null }, T0).Tokens, 6);
        Assert.Null(AdmissionLimiter.Reconfigure(AdmissionState.Full(T0), Three, without, T0).Scopes);
    }

    [Fact]
    public void A_limit_that_is_set_again_blocks_for_no_longer_than_its_own_bucket_takes_to_fill()
    {
        var demand = OfEdge with { Operator = null };
        var slow = Three with { Fleet = new UpdateLimit(0.001, 0) };
        var without = Three with { Fleet = null };
        var (_, state) = AdmissionLimiter.Take(AdmissionState.Full(T0), slow, demand, T0);

        state = AdmissionLimiter.Reconfigure(state, slow, without, T0);
        state = AdmissionLimiter.Reconfigure(state, without, Three, T0.AddSeconds(10));

        // Empty, and not short of what takes the slow limit a thousand minutes to fill.
        var asked = AdmissionLimiter.Peek(state, Three, demand, T0.AddSeconds(10));
        Assert.Equal((false, "fleet/edge", 0.0, 30.0), (asked.Allowed, asked.Scope, asked.Tokens, asked.TimeUntilNextSec));
        Assert.False(AdmissionLimiter.Take(state, Three, demand, T0.AddSeconds(39.999)).Answer.Allowed);
        var (taken, _) = AdmissionLimiter.Take(state, Three, demand, T0.AddSeconds(40));
        Assert.Equal((true, "fleet/edge", 0.0, 30.0), (taken.Allowed, taken.Scope, taken.Tokens, taken.TimeUntilNextSec));
    }

    [Fact]
    public void A_limit_that_is_set_again_when_its_bucket_had_filled_is_full()
    {
        var demand = OfEdge with { Operator = null };
        var without = Three with { Fleet = null };
        var (_, state) = AdmissionLimiter.Take(AdmissionState.Full(T0), Three, demand, T0);

        state = AdmissionLimiter.Reconfigure(state, Three, without, T0);
        state = AdmissionLimiter.Reconfigure(state, without, Three, T0.AddMinutes(10));

        Assert.Equal(T0.AddSeconds(30), state.Scopes!["fleet/edge"].FullAt);
        Assert.True(AdmissionLimiter.Take(state, Three, demand, T0.AddMinutes(10)).Answer.Allowed);
    }

    [Fact]
    public void A_state_of_before_there_were_several_limits_is_read()
    {
        var state = JsonSerializer.Deserialize<AdmissionState>(
            """{"full_at":"2026-11-20T12:00:06Z","last_admitted_at":"2026-11-20T12:00:00Z","seen_at":"2026-11-20T12:00:00Z"}""", PolicyJson.Options)!;
        var limits = JsonSerializer.Deserialize<UpdateLimits>("""{"max_updates_per_minute":10,"min_interval_sec":6}""", PolicyJson.Options)!;

        Assert.Equal(new AdmissionState(T0.AddSeconds(6), T0, T0), state);
        Assert.Equal(new UpdateLimits(), limits);
    }

    [Fact]
    public void What_was_stored_reads_back_the_same()
    {
        var (_, state) = AdmissionLimiter.Take(AdmissionState.Full(T0), Three, OfEdge, T0);
        var json = JsonSerializer.Serialize(state, PolicyJson.Options);

        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<AdmissionState>(json, PolicyJson.Options), PolicyJson.Options));
    }

    [Fact]
    public void Everything_that_is_wrong_with_the_limits_is_told_at_once()
    {
        var wrong = new UpdateLimits(0, -1)
        {
            Fleet = new UpdateLimit(double.NaN, 0),
            Operator = new UpdateLimit(1, double.PositiveInfinity),
            Fleets = ImmutableSortedDictionary<string, UpdateLimit>.Empty.Add("No Name", new UpdateLimit()).Add("edge", null!),
            Operators = ImmutableSortedDictionary<string, UpdateLimit>.Empty.Add("", new UpdateLimit()).Add("a\nb", new UpdateLimit()),
        };

        var problems = UpdateLimits.Validate(wrong).Problems;

        Assert.All(problems, problem => Assert.Equal(UpdateLimiter.InvalidCode, problem.Code));
        Assert.Equal(
            ["$.max_updates_per_minute", "$.min_interval_sec", "$.fleet.max_updates_per_minute", "$.operator.min_interval_sec", "$.fleets.No Name", "$.fleets.edge", "$.operators.", "$.operators.a\nb"],
            problems.Select(problem => problem.Path), Unordered.Instance);
    }

    [Theory]
    [InlineData("rollout.start", 0)]
    [InlineData("rollout.start", -1)]
    [InlineData("rollout.start", 2.5)]
    [InlineData("rollout.start", double.NaN)]
    [InlineData("rollout.rollback", 1)]
    public void A_cost_that_is_none_or_could_never_be_paid_is_refused(string operation, double cost)
    {
        var limits = Three with { Costs = ImmutableSortedDictionary<string, double>.Empty.Add(operation, cost) };

        Assert.Equal("$.costs." + operation, Assert.Single(UpdateLimits.Validate(limits).Problems).Path);
    }

    [Fact]
    public void Too_many_limits_are_refused()
    {
        var many = Enumerable.Range(0, UpdateLimits.NamedMax + 1).ToImmutableSortedDictionary(n => $"f{n}", _ => new UpdateLimit());

        Assert.Equal("$.fleets", Assert.Single(UpdateLimits.Validate(new UpdateLimits { Fleets = many }).Problems).Path);
        Assert.True(UpdateLimits.Validate(Three).Succeeded);
    }

    private sealed class Unordered : IEqualityComparer<IEnumerable<string>>
    {
        public static Unordered Instance { get; } = new();

        public bool Equals(IEnumerable<string>? x, IEnumerable<string>? y) => x!.Order(StringComparer.Ordinal).SequenceEqual(y!.Order(StringComparer.Ordinal));

        public int GetHashCode(IEnumerable<string> obj) => 0;
    }
}
