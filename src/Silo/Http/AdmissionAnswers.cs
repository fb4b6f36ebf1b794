using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;

namespace OrleansPolicy.Silo.Http;

/// <summary>The limiter's answers, with the headers of draft-ietf-httpapi-ratelimit-headers-10.</summary>
public static class AdmissionAnswers
{
    private const string BucketPolicy = "updates";
    private const string IntervalPolicy = "interval";
    private const int WindowSeconds = 60;

    /// <summary>The limiter's answer as it stands: 429 where it refused.</summary>
    public static IResult Show(AdmissionAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        return answer.Allowed ? new JsonAnswer(answer, StatusCodes.Status200OK, Headers(answer)) : Refuse(answer);
    }

    /// <summary>The same for who only asked: always 200.</summary>
    public static IResult ShowState(AdmissionAnswer answer) => new JsonAnswer(answer, StatusCodes.Status200OK, Headers(answer));

    /// <summary>A failure of a call that takes an admission: where that was refused, with the limiter's state and headers.</summary>
    public static async Task<IResult> RefusalAsync<T>(this Outcome<T> outcome, string tenant, IGrainFactory grains)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        ArgumentNullException.ThrowIfNull(grains);
        if (outcome.Succeeded || outcome.Problems[0].Code != CommonCodes.AdmissionRefused)
        {
            return outcome.Refusal();
        }

        var state = await grains.GetGrain<IRateLimiterGrain>(tenant).PeekAsync();
        return state.Succeeded ? Refuse(state.Value with { Allowed = false }, outcome.RetryAfter) : outcome.Refusal();
    }

    private static WithHeaders Refuse(AdmissionAnswer answer, TimeSpan? retryAfter = null)
    {
        var wait = retryAfter ?? TimeSpan.FromSeconds(answer.TimeUntilNextSec);
        var problem = new Problem(
            CommonCodes.AdmissionRefused,
            string.Create(CultureInfo.InvariantCulture, $"The tenant may update {answer.Limit} times a minute and every {answer.MinIntervalSec} s; the next update is admitted in {wait.TotalSeconds:0.###} s."));
        var state = (JsonObject)JsonSerializer.SerializeToNode(answer, PolicyJson.Options)!;
        return new WithHeaders(new ProblemAnswer([problem], wait, state), Headers(answer));
    }

    private static (string, string)[] Headers(AdmissionAnswer answer)
    {
        var policy = $"\"{BucketPolicy}\";q={Whole(Math.Max(1, Math.Floor(answer.Limit)))};w={WindowSeconds}";
        if (answer.MinIntervalSec > 0)
        {
            policy += $", \"{IntervalPolicy}\";q=1;w={Whole(Math.Ceiling(answer.MinIntervalSec))}";
        }

        return [("RateLimit-Policy", policy), ("RateLimit", Binding(answer))];
    }

    // Of the two limits the one that binds: what is left of it, and the whole seconds until there is more.
    private static string Binding(AdmissionAnswer answer)
    {
        var perToken = WindowSeconds / answer.Limit;
        var bucketWait = Math.Max(0, (1 - answer.Tokens) * perToken);
        if (answer.TimeUntilNextSec > bucketWait)
        {
            return $"\"{IntervalPolicy}\";r=0;t={Whole(Math.Ceiling(answer.TimeUntilNextSec))}";
        }

        var untilNext = answer.TimeUntilNextSec > 0 ? answer.TimeUntilNextSec : (Math.Floor(answer.Tokens) + 1 - answer.Tokens) * perToken;
        var left = answer.TimeUntilNextSec > 0 ? 0 : Math.Floor(answer.Tokens);
        return $"\"{BucketPolicy}\";r={Whole(left)};t={Whole(Math.Ceiling(untilNext))}";
    }

    private static string Whole(double value) => ((long)value).ToString(CultureInfo.InvariantCulture);

    private sealed class WithHeaders(IResult answer, (string Name, string Value)[] headers) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            foreach (var (name, value) in headers)
            {
                httpContext.Response.Headers[name] = value;
            }

            return answer.ExecuteAsync(httpContext);
        }
    }
}
