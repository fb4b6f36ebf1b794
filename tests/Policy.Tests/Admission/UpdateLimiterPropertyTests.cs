using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Admission;

namespace OrleansPolicy.Policy.Tests.Admission;

public sealed class UpdateLimiterPropertyTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly Gen<UpdateLimit> Limits =
        from rate in Gen.OneOf(Gen.Choose(1, 600).Select(n => n / 10.0), Gen.Elements(0.001, 0.5, 1, 7, 10, 13.7, 60_000))
        from interval in Gen.OneOf(Gen.Constant(0.0), Gen.Choose(0, 20_000).Select(n => n / 1_000.0), Gen.Elements(1.1, 6.3, 0.1))
        select new UpdateLimit(rate, interval);

    // Steps between calls, in ticks: mostly small, sometimes long, sometimes back.
    private static readonly Gen<long[]> Steps = Gen.Choose(-1, 30).SelectMany(kind => kind switch
    {
        -1 => Gen.Choose(-100_000_000, 0).Select(n => (long)n),
        0 => Gen.Choose(0, 2_000).Select(n => n * TimeSpan.TicksPerSecond),
        _ => Gen.Choose(0, 60_000_000).Select(n => (long)n),
    }).ArrayOf();

    private static readonly Arbitrary<(UpdateLimit Limit, long[] Steps)> Runs =
        Limits.SelectMany(limit => Steps.Select(steps => (limit, steps))).ToArbitrary();

    [Fact]
    public void In_no_span_of_time_are_more_admitted_than_the_bucket_holds_and_time_refills() =>
        Prop.ForAll(Runs, run =>
        {
            var admitted = Admitted(run.Limit, run.Steps);
            var capacity = Math.Max(1, run.Limit.MaxUpdatesPerMinute);
            for (var i = 0; i < admitted.Count; i++)
            {
                for (var j = i; j < admitted.Count; j++)
                {
                    var refilled = (admitted[j] - admitted[i]).TotalMinutes * run.Limit.MaxUpdatesPerMinute;
                    Assert.True(j - i + 1 <= capacity + refilled + 1e-6);
                }
            }

            foreach (var (one, next) in admitted.Zip(admitted.Skip(1)))
            {
                Assert.True((next - one).TotalSeconds >= run.Limit.MinIntervalSec - 1e-6);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void A_call_after_exactly_the_time_told_is_admitted_and_one_a_millisecond_earlier_is_not() =>
        Prop.ForAll(Runs, run =>
        {
            var state = LimiterState.Full(T0);
            var now = T0;
            foreach (var step in run.Steps)
            {
                now = now.AddTicks(step);
                (var answer, state) = UpdateLimiter.Take(state, run.Limit, now);
                var wait = TimeSpan.FromSeconds(answer.TimeUntilNextSec);
                Assert.True(UpdateLimiter.Take(state, run.Limit, now + wait).Answer.Allowed);
                Assert.Equal(UpdateLimiter.Peek(state, run.Limit, now).TimeUntilNextSec, answer.TimeUntilNextSec);
                if (wait > TimeSpan.FromMilliseconds(1))
                {
                    Assert.False(UpdateLimiter.Take(state, run.Limit, now + wait - TimeSpan.FromMilliseconds(1)).Answer.Allowed);
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Refused_calls_change_nothing_for_those_after_them() =>
        Prop.ForAll(Runs, run =>
        {
            var (polled, quiet) = (LimiterState.Full(T0), LimiterState.Full(T0));
            var now = T0;
            foreach (var step in run.Steps)
            {
                now = now.AddTicks(Math.Abs(step));
                (var answer, polled) = UpdateLimiter.Take(polled, run.Limit, now);
                if (answer.Allowed)
                {
                    (answer, quiet) = UpdateLimiter.Take(quiet, run.Limit, now);
                    Assert.True(answer.Allowed);
                    Assert.Equal(quiet, polled);
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void A_state_that_was_stored_in_microseconds_answers_the_same() =>
        Prop.ForAll(Runs, run =>
        {
            var state = LimiterState.Full(T0);
            var now = T0;
            foreach (var step in run.Steps)
            {
                now = now.AddTicks(step);
                (_, state) = UpdateLimiter.Take(state, run.Limit, now);
                Assert.All(
                    [state.FullAt, state.SeenAt, state.LastAdmittedAt ?? T0], time => Assert.Equal(0, time.UtcTicks % TimeSpan.TicksPerMicrosecond));
            }
        }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void Changing_the_limit_to_and_fro_mints_no_token() =>
        Prop.ForAll(Limits.Two().ToArbitrary(), limits =>
        {
            var (one, other) = limits;
            var state = LimiterState.Full(T0);
            (_, state) = UpdateLimiter.Take(state, one, T0);
            var before = UpdateLimiter.Peek(state, one, T0).Tokens;
            for (var i = 0; i < 20; i++)
            {
                state = UpdateLimiter.Reconfigure(state, one, other, T0);
                state = UpdateLimiter.Reconfigure(state, other, one, T0);
            }

            Assert.True(UpdateLimiter.Peek(state, one, T0).Tokens <= before + 1e-9);
        }).Check(Config.QuickThrowOnFailure);

    private static List<DateTimeOffset> Admitted(UpdateLimit limit, long[] steps)
    {
        // The time that the limiter saw: with steps back, real time is at least as long as this.
        var admitted = new List<DateTimeOffset>();
        var state = LimiterState.Full(T0);
        var now = T0;
        foreach (var step in steps)
        {
            now = now.AddTicks(step);
            (var answer, state) = UpdateLimiter.Take(state, limit, now);
            if (answer.Allowed)
            {
                admitted.Add(state.SeenAt);
            }
        }

        return admitted;
    }
}
