using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The limiter's answers, with the headers of draft-ietf-httpapi-ratelimit-headers-10.</summary>
public static class AdmissionAnswers
{
    private const int MinuteSeconds = 60;

    /// <summary>The limiter's answer as it stands: 429 where it refused.</summary>
    public static IResult Show(AdmissionAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        return answer.Allowed ? new JsonAnswer(answer, StatusCodes.Status200OK, Headers(answer)) : Refuse(answer, CommonCodes.AdmissionRefused);
    }

    /// <summary>The same for who only asked: always 200.</summary>
    public static IResult ShowState(AdmissionAnswer answer) => new JsonAnswer(answer, StatusCodes.Status200OK, Headers(answer));

    /// <summary>A failure of a call that takes an admission: where that was refused, with the limiter's state and headers.</summary>
    public static async Task<IResult> RefusalAsync<T>(
        this Outcome<T> outcome, HttpContext http, string tenant, IGrainFactory grains, string operation, string? fleet = null)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        ArgumentNullException.ThrowIfNull(grains);
        if (outcome.Succeeded || outcome.Problems[0].Code is not (CommonCodes.AdmissionRefused or CommonCodes.AdmissionQueueFull))
        {
            return outcome.Refusal();
        }

        var state = await grains.Limiter(tenant).PeekAsync(new AdmissionDemand(operation, fleet, http.ApiCaller().Key.Subject));
        return !state.Succeeded ? outcome.Refusal()
            : Refuse(
                state.Value with { Allowed = false, TimeUntilNextSec = outcome.RetryAfter?.TotalSeconds ?? state.Value.TimeUntilNextSec },
                outcome.Problems[0].Code);
    }

    private static WithHeaders Refuse(AdmissionAnswer answer, string code)
    {
        var problem = new Problem(code, string.Create(CultureInfo.InvariantCulture, $"""
            The limit of {answer.Scope} is {answer.MaxUpdatesPerMinute} updates a minute, {answer.MinIntervalSec} s apart; the next is admitted in {answer.TimeUntilNextSec:0.###} s.
            """));
        var state = (JsonObject)JsonSerializer.SerializeToNode(answer, PolicyJson.Options)!;
        return new WithHeaders(new ProblemAnswer([problem], TimeSpan.FromSeconds(answer.TimeUntilNextSec), state), Headers(answer));
    }

    private static (string, string)[] Headers(AdmissionAnswer answer)
    {
        // A minute, or as long as a slower limit needs for one token.
        var window = Math.Max(MinuteSeconds, Math.Ceiling(MinuteSeconds / answer.MaxUpdatesPerMinute));
        var policy = $"\"{NameOf(answer, AdmissionAnswer.ByUpdates)}\";q={Whole(answer.Limit)};w={Whole(window)}";
        if (answer.MinIntervalSec > 0)
        {
            policy += $", \"{NameOf(answer, AdmissionAnswer.ByInterval)}\";q=1;w={Whole(Math.Ceiling(answer.MinIntervalSec))}";
        }

        return [("RateLimit-Policy", policy), ("RateLimit", Binding(answer))];
    }

    // What binds: how much is left of it, and the whole seconds until there is more. A full bucket gets no more.
    private static string Binding(AdmissionAnswer answer)
    {
        if (answer.LimitedBy is { } limit)
        {
            var name = NameOf(answer, limit == AdmissionAnswer.ByInterval ? limit : AdmissionAnswer.ByUpdates);
            return $"\"{name}\";r=0;t={Whole(Math.Ceiling(answer.TimeUntilNextSec))}";
        }

        var bucket = $"\"{NameOf(answer, AdmissionAnswer.ByUpdates)}\";r={Whole(answer.Tokens)}";
        var untilNext = (Math.Floor(answer.Tokens) + 1 - answer.Tokens) * MinuteSeconds / answer.MaxUpdatesPerMinute;
        return answer.Tokens >= answer.Limit ? bucket : $"{bucket};t={Whole(Math.Ceiling(untilNext))}";
    }

    // The tenant's own limits have short names; those of a fleet or an operator say that they are.
    private static string NameOf(AdmissionAnswer answer, string limit) =>
        answer.Scope == UpdateLimits.TenantScope ? limit : $"{answer.Scope.Split('/')[0]}-{limit}";

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
