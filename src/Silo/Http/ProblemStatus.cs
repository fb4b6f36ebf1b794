using System.Collections.Frozen;

namespace OrleansPolicy.Silo.Http;

/// <summary>The one table from problem codes to HTTP statuses. A code that stands nowhere here is a bad request.</summary>
public static class ProblemStatus
{
    private static readonly FrozenDictionary<string, int> ByCode = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["admission.refused"] = StatusCodes.Status429TooManyRequests,
        ["admission.queue_full"] = StatusCodes.Status429TooManyRequests,
        ["decision_log.full"] = StatusCodes.Status429TooManyRequests,
        ["limit.requests"] = StatusCodes.Status429TooManyRequests,
        ["auth.missing"] = StatusCodes.Status401Unauthorized,
        ["auth.invalid"] = StatusCodes.Status401Unauthorized,
        ["auth.ended"] = StatusCodes.Status401Unauthorized,
        ["bundle.too_large"] = StatusCodes.Status413PayloadTooLarge,
        ["request.too_large"] = StatusCodes.Status413PayloadTooLarge,
        ["decision_record.too_long"] = StatusCodes.Status413PayloadTooLarge,
        ["request.media_type"] = StatusCodes.Status415UnsupportedMediaType,
        ["request.method"] = StatusCodes.Status405MethodNotAllowed,
        ["request.timeout"] = StatusCodes.Status408RequestTimeout,
        ["operation.reused"] = StatusCodes.Status422UnprocessableEntity,
        ["bundle.version_taken"] = StatusCodes.Status409Conflict,
        ["run.exists"] = StatusCodes.Status409Conflict,
        ["trust.locked"] = StatusCodes.Status409Conflict,
        ["trust.affects_fleets"] = StatusCodes.Status409Conflict,
        ["trust.unset"] = StatusCodes.Status409Conflict,
        ["parity.across_fleets"] = StatusCodes.Status409Conflict,
        ["fleet.file_mode"] = StatusCodes.Status409Conflict,
        ["reload.managed"] = StatusCodes.Status409Conflict,
        ["reload.audit"] = StatusCodes.Status503ServiceUnavailable,
        ["fleet.armed"] = StatusCodes.Status409Conflict,
        ["fleet.has_baseline"] = StatusCodes.Status409Conflict,
        ["fleet.epoch_behind"] = StatusCodes.Status409Conflict,
        ["key.limit"] = StatusCodes.Status409Conflict,
        [KeyEndpoints.LastCode] = StatusCodes.Status409Conflict,
        ["parity.mismatch"] = StatusCodes.Status409Conflict,
        ["parity.no_answer"] = StatusCodes.Status503ServiceUnavailable,
        ["arm.same_person"] = StatusCodes.Status403Forbidden,
        ["arm.group_disarmed"] = StatusCodes.Status409Conflict,
        ["arm.pending_void"] = StatusCodes.Status409Conflict,
        ["rollout.same_person"] = StatusCodes.Status403Forbidden,
        ["waiver.same_person"] = StatusCodes.Status403Forbidden,
        ["webhook.limit"] = StatusCodes.Status409Conflict,
        ["waiver.state"] = StatusCodes.Status409Conflict,
        ["waiver.not_in_force"] = StatusCodes.Status409Conflict,
        ["wave.state"] = StatusCodes.Status409Conflict,
        ["wave.overlaps"] = StatusCodes.Status409Conflict,
        ["line.state"] = StatusCodes.Status409Conflict,
        ["line.stopped"] = StatusCodes.Status409Conflict,
        ["freeze.window"] = StatusCodes.Status409Conflict,
        ["freeze.outside"] = StatusCodes.Status409Conflict,
        ["store.conflict"] = StatusCodes.Status409Conflict,
        ["store.unavailable"] = StatusCodes.Status503ServiceUnavailable,
        ["store.unwritable"] = StatusCodes.Status503ServiceUnavailable,
        ["service.starting"] = StatusCodes.Status503ServiceUnavailable,
        ["service.busy"] = StatusCodes.Status503ServiceUnavailable,
        ["lease.unavailable"] = StatusCodes.Status503ServiceUnavailable,
        ["internal.error"] = StatusCodes.Status500InternalServerError,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The status of an answer whose first problem has this code.</summary>
    public static int Of(string code)
    {
        ArgumentNullException.ThrowIfNull(code);
        if (ByCode.TryGetValue(code, out var status))
        {
            return status;
        }

        return code switch
        {
            _ when code.EndsWith(".unknown", StringComparison.Ordinal) => StatusCodes.Status404NotFound,
            _ when code.StartsWith("auth.", StringComparison.Ordinal) => StatusCodes.Status403Forbidden,
            _ when code.StartsWith("decide.", StringComparison.Ordinal) => StatusCodes.Status503ServiceUnavailable,
            _ when code.StartsWith("backtest.", StringComparison.Ordinal) => StatusCodes.Status409Conflict,
            _ when code.StartsWith("rollout.", StringComparison.Ordinal) => StatusCodes.Status409Conflict,
            _ => StatusCodes.Status400BadRequest,
        };
    }

    /// <summary>The code for a status that the framework gave without one.</summary>
    public static Problem ForBareStatus(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => new Problem("auth.missing", "Send a key: Authorization: Bearer <key>."),
        StatusCodes.Status403Forbidden => new Problem("auth.refused", "The key may not do this."),
        StatusCodes.Status404NotFound => new Problem("path.unknown", "There is nothing at this path."),
        StatusCodes.Status405MethodNotAllowed => new Problem("request.method", "This path does not know the method; see the Allow header."),
        StatusCodes.Status408RequestTimeout => new Problem("request.timeout", "The request did not arrive in time."),
        StatusCodes.Status413PayloadTooLarge => new Problem("request.too_large", "The body is larger than this call takes."),
        StatusCodes.Status415UnsupportedMediaType => new Problem("request.media_type", "Send the body as application/json."),
        StatusCodes.Status429TooManyRequests => new Problem("limit.requests", "Too many requests with this key; wait as Retry-After says."),
        StatusCodes.Status503ServiceUnavailable => new Problem("store.unavailable", "The database cannot be reached now; nothing was changed."),
        >= StatusCodes.Status500InternalServerError => new Problem("internal.error", "The control plane failed; its log has the cause."),
        _ => new Problem("request.invalid", "The request is not understood."),
    };
}
