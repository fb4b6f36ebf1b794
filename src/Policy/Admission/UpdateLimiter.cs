using System.Collections.Immutable;

namespace OrleansPolicy.Admission;

/// <summary>
/// Admits policy updates at a bounded rate: a token bucket plus a minimum interval between two admissions, as pure functions of
/// a state, a limit and a time. The bucket holds <see cref="UpdateLimit.MaxUpdatesPerMinute"/> tokens (at least one, so that a limit of
/// less than one a minute still admits) and time itself refills it: the state says when it will be full (the generic cell rate
/// algorithm, ITU-T I.371), so no refill is ever computed twice and a refused call costs nothing.
/// <para>
/// All moments are whole microseconds, what PostgreSQL stores, and every rounding is towards admitting later: a state that was
/// stored and read back answers the same, and the bound holds exactly.
/// </para>
/// <para>
/// A clock that steps back stands still until it has caught up, so stepping to and fro mints nothing: over any real time the
/// tokens minted are those of the highest time seen. A clock that steps forward cannot be told from idle time; it refills the bucket
/// at most to the brim, once, and stands still when it is set right again.
/// </para>
/// </summary>
public static class UpdateLimiter
{
    /// <summary>The code of every problem that <see cref="Validate"/> reports.</summary>
    public const string InvalidCode = "admission.limit_invalid";

    /// <summary>The slowest limit: one update in a thousand minutes.</summary>
    public const double UpdatesPerMinuteMin = 0.001;

    /// <summary>The fastest limit: one update a millisecond.</summary>
    public const double UpdatesPerMinuteMax = 60_000;

    /// <summary>The longest interval: a day, in seconds.</summary>
    public const double IntervalSecMax = 86_400;

    /// <summary>Takes a token where one is there and the interval has passed. A refusal changes nothing but the time seen.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="limit">The limit in force.</param>
    /// <param name="now">The time.</param>
    /// <param name="cost">How many tokens it takes; no more than the bucket holds.</param>
    public static (AdmissionAnswer Answer, LimiterState State) Take(LimiterState state, UpdateLimit limit, DateTimeOffset now, double cost = 1)
    {
        ArgumentNullException.ThrowIfNull(state);
        var rate = LimitRate.Of(limit, cost);
        var at = TimeSeen(state.SeenAt, now);
        var seen = state with { SeenAt = at };
        if (at < rate.NextAt(seen))
        {
            return (Answer(allowed: false, seen, rate, limit, now), seen);
        }

        var taken = new LimiterState(Later(seen.FullAt, at) + rate.Price, at, at);
        Invariant.Holds(taken.FullAt - at <= rate.Capacity, "INV-ADMISSION", "No more tokens are taken than the bucket holds.");
        return (Answer(allowed: true, taken, rate, limit, now), taken);
    }

    /// <summary>What <see cref="Take"/> would say, taking nothing: <see cref="AdmissionAnswer.Tokens"/> are those there now.</summary>
    public static AdmissionAnswer Peek(LimiterState state, UpdateLimit limit, DateTimeOffset now, double cost = 1)
    {
        ArgumentNullException.ThrowIfNull(state);
        var rate = LimitRate.Of(limit, cost);
        var seen = state with { SeenAt = TimeSeen(state.SeenAt, now) };
        return Answer(seen.SeenAt >= rate.NextAt(seen), seen, rate, limit, now);
    }

    /// <summary>The limit itself, or everything that is wrong with it (<see cref="InvalidCode"/>).</summary>
    public static Outcome<UpdateLimit> Validate(UpdateLimit limit)
    {
        ArgumentNullException.ThrowIfNull(limit);
        var problems = ImmutableArray.CreateBuilder<Problem>();

        // Written so that NaN fails: it compares false with everything.
        if (!(limit.MaxUpdatesPerMinute >= UpdatesPerMinuteMin && limit.MaxUpdatesPerMinute <= UpdatesPerMinuteMax))
        {
            problems.Add(new Problem(
                InvalidCode, $"max_updates_per_minute must be a number from {UpdatesPerMinuteMin} to {UpdatesPerMinuteMax}.", "$.max_updates_per_minute"));
        }

        if (!(limit.MinIntervalSec >= 0 && limit.MinIntervalSec <= IntervalSecMax))
        {
            problems.Add(new Problem(InvalidCode, $"min_interval_sec must be a number from 0 to {IntervalSecMax}.", "$.min_interval_sec"));
        }

        return problems.Count == 0 ? Outcome<UpdateLimit>.Ok(limit) : Outcome<UpdateLimit>.Fail(problems.ToImmutable());
    }

    /// <summary>
    /// The state under a new limit: the tokens that are there stay there, as far as the new bucket holds them. Raising a limit is no
    /// present of tokens, and setting it to and fro mints none.
    /// </summary>
    public static LimiterState Reconfigure(LimiterState state, UpdateLimit old, UpdateLimit @new, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (old == @new)
        {
            return state;
        }

        var before = LimitRate.Of(old, 1);
        var after = LimitRate.Of(@new, 1);
        var at = TimeSeen(state.SeenAt, now);
        var missing = Math.Max(0, after.Tokens - before.TokensLeft(state.FullAt, at));
        var debt = LimitRate.MicrosecondsUp(missing * after.PerToken.TotalMicroseconds);
        return state with { FullAt = at + (debt < after.Capacity ? debt : after.Capacity), SeenAt = at };
    }

    /// <summary>
    /// The state under a limit after there was none for a while: what it was short of by an earlier limit stays, as far as an empty bucket is
    /// short of it. Else a slow limit would block long after it was taken away.
    /// </summary>
    internal static LimiterState SetAgain(LimiterState state, UpdateLimit limit, DateTimeOffset now)
    {
        var at = TimeSeen(state.SeenAt, now);
        var emptyUntil = at + LimitRate.Of(limit, 1).Capacity;
        return state with { FullAt = state.FullAt < emptyUntil ? state.FullAt : emptyUntil, SeenAt = at };
    }

    /// <summary>
    /// Whether a state says no more than a full bucket would, so that it need not be kept. Without a limit it is kept for as long as any
    /// limit could go by it.
    /// </summary>
    internal static bool IsIdle(LimiterState state, UpdateLimit? limit, DateTimeOffset at) =>
        state.FullAt <= at && !(state.LastAdmittedAt + TimeSpan.FromSeconds(limit?.MinIntervalSec ?? IntervalSecMax) > at);

    /// <summary>The time by a clock that never runs back, in whole microseconds.</summary>
    internal static DateTimeOffset TimeSeen(DateTimeOffset seenAt, DateTimeOffset now) =>
        Later(seenAt, new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero));

    // The double that a caller turns back into a time span (TimeSpan.FromSeconds cuts off) must not come out a tick too short.
    internal static double SecondsNotBelow(TimeSpan wait)
    {
        var seconds = wait.TotalSeconds;
        while ((long)(seconds * TimeSpan.TicksPerSecond) < wait.Ticks)
        {
            seconds = Math.BitIncrement(seconds);
        }

        return seconds;
    }

    private static AdmissionAnswer Answer(bool allowed, LimiterState state, LimitRate rate, UpdateLimit limit, DateTimeOffset now)
    {
        var next = rate.NextAt(state);
        return new AdmissionAnswer(
            allowed,
            rate.TokensLeft(state.FullAt, state.SeenAt),
            rate.Tokens,
            limit.MinIntervalSec,
            next <= state.SeenAt ? 0 : SecondsNotBelow(next - now),
            limit.MaxUpdatesPerMinute,
            LimitedBy: next <= state.SeenAt ? null : rate.TokenAt(state) >= next ? AdmissionAnswer.ByUpdates : AdmissionAnswer.ByInterval);
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    /// <summary>A limit in whole microseconds.</summary>
    private readonly record struct LimitRate(double Tokens, TimeSpan PerToken, TimeSpan Interval, double Cost)
    {
        /// <summary>How long an empty bucket takes to fill.</summary>
        public TimeSpan Capacity => MicrosecondsUp(Tokens * PerToken.TotalMicroseconds);

        /// <summary>How long what is taken takes to refill.</summary>
        public TimeSpan Price => MicrosecondsUp(Cost * PerToken.TotalMicroseconds);

        // Never more than the capacity less the price, whichever way these were rounded.
        private TimeSpan Tolerance => TimeSpan.FromMicroseconds(Math.Max(0, (long)(Tokens * PerToken.TotalMicroseconds) - (long)Price.TotalMicroseconds));

        public static LimitRate Of(UpdateLimit limit, double cost)
        {
            ArgumentNullException.ThrowIfNull(limit);
            Invariant.Holds(Validate(limit).Succeeded, "INV-ADMISSION", "A limit in force is a valid one.");
            Invariant.Holds(cost > 0 && cost <= Math.Max(1, limit.MaxUpdatesPerMinute), "INV-ADMISSION", "A cost can be paid by a full bucket.");

            // Decimal, so that 1.1 s are 1,100,000 microseconds and not one more.
            return new LimitRate(
                Math.Max(1, limit.MaxUpdatesPerMinute),
                TimeSpan.FromMicroseconds((long)Math.Ceiling(60_000_000 / (decimal)limit.MaxUpdatesPerMinute)),
                TimeSpan.FromMicroseconds((long)Math.Ceiling((decimal)limit.MinIntervalSec * 1_000_000)),
                cost);
        }

        public static TimeSpan MicrosecondsUp(double microseconds) => TimeSpan.FromMicroseconds((long)Math.Ceiling(microseconds));

        public double TokensLeft(DateTimeOffset fullAt, DateTimeOffset at) =>
            fullAt <= at ? Tokens : Math.Max(0, Tokens - ((fullAt - at) / PerToken));

        public DateTimeOffset TokenAt(LimiterState state) => state.FullAt - Tolerance;

        public DateTimeOffset NextAt(LimiterState state) =>
            state.LastAdmittedAt is { } last ? Later(TokenAt(state), last + Interval) : TokenAt(state);
    }
}
