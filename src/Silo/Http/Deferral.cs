using System.Globalization;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// Waits for an admission in the caller's place: <c>Prefer: wait=SECONDS</c> (RFC 7240) on any call that takes one. The tenant's limiter
/// says when to come back and keeps a place until then, so that who came first is admitted first; the request is held here, and no
/// grain is. Where the turn would come too late the refusal is answered at once.
/// </summary>
internal static class Deferral
{
    /// <summary>The longest wait; a longer wish is cut to it.</summary>
    public const int WaitSecMax = 60;

    // A clock that is a little early must not ask in a tight loop.
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(2);

    /// <summary>Runs a call, again and again while its admission is refused and its caller waits.</summary>
    public static async Task<Outcome<T>> RunAsync<T>(this HttpContext http, Caller caller, Func<Caller, Task<Outcome<T>>> act)
    {
        if (WaitOf(http.Request) is not { } patience)
        {
            return await act(caller);
        }

        var time = http.RequestServices.GetRequiredService<TimeProvider>();
        var started = time.GetTimestamp();
        var waiting = caller with { Place = Guid.NewGuid().ToString("N") };
        var (refused, waited) = (false, false);
        var stopping = http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, http.ApiCaller().Ended, stopping);
        try
        {
            while (true)
            {
                var outcome = await act(waiting);
                var wait = RefusedFor(outcome);
                refused = wait is not null;

                // A process that stops waits for nobody's turn: the refusal says when to come back, to another one.
                if (wait is null || wait > patience - time.GetElapsedTime(started) || stopping.IsCancellationRequested)
                {
                    return outcome;
                }

                waited = true;
                await Task.Delay(wait > PauseMin ? wait.Value : PauseMin, time, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                http.RequestAborted.ThrowIfCancellationRequested();
                http.ApiCaller().Ended.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (http.ApiCaller().Ended.IsCancellationRequested)
        {
            return Outcome<T>.Fail("auth.ended", "The key was revoked while its update waited; nothing was changed.");
        }
        finally
        {
            if (waited)
            {
                http.Response.Headers["Preference-Applied"] = string.Create(CultureInfo.InvariantCulture, $"wait={patience.TotalSeconds}");
            }

            if (refused && http.Request.RouteValues["tenant"] is string tenant)
            {
                await http.RequestServices.GetRequiredService<IGrainFactory>().Limiter(tenant).LeaveAsync(waiting.Place!);
            }
        }
    }

    // A full queue is no place to wait in.
    private static TimeSpan? RefusedFor<T>(Outcome<T> outcome) => outcome switch
    {
        { Problems: [{ Code: CommonCodes.AdmissionRefused }, ..] } => outcome.RetryAfter,
        { Value: AdmissionAnswer { Allowed: false } answer } => AdmissionLimiter.Wait(answer),
        _ => null,
    };

    private static TimeSpan? WaitOf(HttpRequest request)
    {
        foreach (var preference in request.Headers["Prefer"].SelectMany(line => line?.Split(',') ?? []))
        {
            if (preference.Split('=', StringSplitOptions.TrimEntries) is ["wait", var text]
                && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds > 0)
            {
                return TimeSpan.FromSeconds(Math.Min(seconds, WaitSecMax));
            }
        }

        return null;
    }
}
