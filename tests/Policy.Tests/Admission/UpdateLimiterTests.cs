using OrleansPolicy.Admission;

namespace OrleansPolicy.Policy.Tests.Admission;

public sealed class UpdateLimiterTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly UpdateLimit Default = new();
    private static readonly UpdateLimit NoInterval = new(10, 0);

    [Fact]
    public void A_full_bucket_admits_as_many_as_it_holds_and_then_one_per_refilled_token()
    {
        var state = LimiterState.Full(T0);
        for (var i = 0; i < 10; i++)
        {
            (var answer, state) = UpdateLimiter.Take(state, NoInterval, T0);
            Assert.True(answer.Allowed);
            Assert.Equal(9 - i, answer.Tokens, 9);
        }

        Assert.False(UpdateLimiter.Take(state, NoInterval, T0).Answer.Allowed);
        Assert.False(UpdateLimiter.Take(state, NoInterval, T0.AddSeconds(5.999)).Answer.Allowed);
        Assert.True(UpdateLimiter.Take(state, NoInterval, T0.AddSeconds(6)).Answer.Allowed);
    }

    [Fact]
    public void The_interval_is_kept_and_its_end_admits()
    {
        var (_, state) = UpdateLimiter.Take(LimiterState.Full(T0), Default, T0);

        Assert.False(UpdateLimiter.Take(state, Default, T0.AddMilliseconds(5_999)).Answer.Allowed);
        Assert.True(UpdateLimiter.Take(state, Default, T0.AddSeconds(6)).Answer.Allowed);
    }

    [Fact]
    public void The_default_limit_never_refuses_updates_six_seconds_apart()
    {
        var state = LimiterState.Full(T0);
        for (var i = 0; i < 100; i++)
        {
            (var answer, state) = UpdateLimiter.Take(state, Default, T0.AddSeconds(6 * i));
            Assert.True(answer.Allowed);
        }
    }

    [Fact]
    public void A_refused_call_costs_nothing_and_refills_nothing()
    {
        // Two a minute: the next token comes 30 s after the bucket was emptied, however often somebody asked meanwhile.
        var limit = new UpdateLimit(2, 0);
        var state = LimiterState.Full(T0);
        (_, state) = UpdateLimiter.Take(state, limit, T0);
        (_, state) = UpdateLimiter.Take(state, limit, T0);
        for (var second = 1; second < 30; second++)
        {
            (var answer, state) = UpdateLimiter.Take(state, limit, T0.AddSeconds(second));
            Assert.False(answer.Allowed);
            Assert.Equal(30 - second, answer.TimeUntilNextSec, 6);
        }

        Assert.True(UpdateLimiter.Take(state, limit, T0.AddSeconds(30)).Answer.Allowed);
    }

    [Fact]
    public void Peek_takes_nothing()
    {
        var state = LimiterState.Full(T0);

        var answer = UpdateLimiter.Peek(state, Default, T0);

        Assert.Equal(new AdmissionAnswer(true, 10, 10, 6, 0), answer);
        Assert.Equal(answer, UpdateLimiter.Peek(state, Default, T0));
    }

    [Fact]
    public void An_admitted_answer_tells_when_the_next_one_is_due()
    {
        var (answer, _) = UpdateLimiter.Take(LimiterState.Full(T0), Default, T0);

        Assert.Equal(new AdmissionAnswer(true, 9, 10, 6, 6, LimitedBy: AdmissionAnswer.ByInterval), answer);
    }

    [Fact]
    public void Less_than_one_a_minute_still_admits()
    {
        var limit = new UpdateLimit(0.5, 0);
        var (first, state) = UpdateLimiter.Take(LimiterState.Full(T0), limit, T0);
        var (second, _) = UpdateLimiter.Take(state, limit, T0.AddSeconds(119));

        Assert.True(first.Allowed);
        Assert.Equal((false, 1.0), (second.Allowed, second.Limit));
        Assert.Equal(1, second.TimeUntilNextSec, 6);
        Assert.True(UpdateLimiter.Take(state, limit, T0.AddSeconds(120)).Answer.Allowed);
    }

    [Fact]
    public void A_clock_that_steps_back_stands_still_until_it_has_caught_up()
    {
        var state = LimiterState.Full(T0);
        for (var i = 0; i < 10; i++)
        {
            (_, state) = UpdateLimiter.Take(state, NoInterval, T0);
        }

        // To and fro for an hour: nothing is minted.
        for (var i = 0; i < 60; i++)
        {
            (var back, state) = UpdateLimiter.Take(state, NoInterval, T0.AddHours(-1));
            Assert.False(back.Allowed);
            Assert.Equal(3_606, back.TimeUntilNextSec, 6);
            (var forth, state) = UpdateLimiter.Take(state, NoInterval, T0.AddSeconds(5));
            Assert.False(forth.Allowed);
        }
    }

    [Fact]
    public void A_full_bucket_admits_after_a_step_back_too()
    {
        var state = LimiterState.Full(T0);

        var (answer, after) = UpdateLimiter.Take(state, Default, T0.AddDays(-1));

        Assert.True(answer.Allowed);
        Assert.Equal(T0, after.LastAdmittedAt);
    }

    [Fact]
    public void A_clock_that_jumps_forward_fills_the_bucket_at_most_to_the_brim()
    {
        var state = LimiterState.Full(T0);
        for (var i = 0; i < 10; i++)
        {
            (_, state) = UpdateLimiter.Take(state, NoInterval, T0);
        }

        Assert.Equal(10, UpdateLimiter.Peek(state, NoInterval, T0.AddYears(1)).Tokens);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(0.0001)]
    [InlineData(60_001)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void A_rate_that_makes_no_sense_is_refused(double rate)
    {
        var outcome = UpdateLimiter.Validate(new UpdateLimit(rate, 6));

        Assert.Equal((UpdateLimiter.InvalidCode, "$.max_updates_per_minute"), (Assert.Single(outcome.Problems).Code, outcome.Problems[0].Path));
    }

    [Theory]
    [InlineData(-0.001)]
    [InlineData(86_400.5)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void An_interval_that_makes_no_sense_is_refused(double interval)
    {
        var outcome = UpdateLimiter.Validate(new UpdateLimit(10, interval));

        Assert.Equal((UpdateLimiter.InvalidCode, "$.min_interval_sec"), (Assert.Single(outcome.Problems).Code, outcome.Problems[0].Path));
    }

    [Fact]
    public void Both_are_told_at_once_and_a_limit_in_force_is_a_valid_one()
    {
        var wrong = new UpdateLimit(double.NaN, -1);

        Assert.Equal(2, UpdateLimiter.Validate(wrong).Problems.Length);
        Assert.True(UpdateLimiter.Validate(Default).Succeeded);
        Assert.Throws<InvariantViolationException>(() => UpdateLimiter.Peek(LimiterState.Full(T0), wrong, T0));
    }

    [Fact]
    public void Raising_a_limit_is_no_present_of_tokens()
    {
        var state = LimiterState.Full(T0);
        for (var i = 0; i < 8; i++)
        {
            (_, state) = UpdateLimiter.Take(state, NoInterval, T0);
        }

        var raised = new UpdateLimit(100, 0);
        state = UpdateLimiter.Reconfigure(state, NoInterval, raised, T0);

        Assert.Equal(2, UpdateLimiter.Peek(state, raised, T0).Tokens, 6);
    }

    [Fact]
    public void Lowering_a_limit_caps_the_tokens()
    {
        var lowered = new UpdateLimit(3, 0);

        var state = UpdateLimiter.Reconfigure(LimiterState.Full(T0), NoInterval, lowered, T0);

        Assert.Equal(3, UpdateLimiter.Peek(state, lowered, T0).Tokens);
    }

    [Fact]
    public void The_same_limit_changes_nothing()
    {
        var state = new LimiterState(T0.AddSeconds(3), T0, T0);

        Assert.Same(state, UpdateLimiter.Reconfigure(state, Default, new UpdateLimit(), T0.AddSeconds(1)));
    }

    [Fact]
    public void An_empty_bucket_stays_empty_under_a_new_limit()
    {
        var state = LimiterState.Full(T0);
        for (var i = 0; i < 10; i++)
        {
            (_, state) = UpdateLimiter.Take(state, NoInterval, T0);
        }

        state = UpdateLimiter.Reconfigure(state, NoInterval, new UpdateLimit(5, 0), T0);

        Assert.Equal(0, UpdateLimiter.Peek(state, new UpdateLimit(5, 0), T0).Tokens, 6);
        Assert.Equal(12, UpdateLimiter.Peek(state, new UpdateLimit(5, 0), T0).TimeUntilNextSec, 5);
    }
}
