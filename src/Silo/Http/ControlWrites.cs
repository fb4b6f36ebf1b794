using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Http;

/// <summary>Reads a control of the tenant, changes it and writes it with its audit entry, so that of two changes one follows the other.</summary>
public sealed class ControlWrites(IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider time)
{
    // Whoever finds the control changed meanwhile decides again on what it says now.
    private const int AttemptsMax = 4;

    /// <summary>Makes a change durable. Fails as the change does, and with <see cref="CommonCodes.Conflict"/> where others keep winning.</summary>
    /// <typeparam name="T">What the control is.</typeparam>
    /// <param name="http">The request.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="kind">The kind of control.</param>
    /// <param name="id">Which one.</param>
    /// <param name="status">The status of the answer.</param>
    /// <param name="change">From what is stored (null: nothing) and the time to what is to be, and what the audit says of it.</param>
    public Task<Outcome<T>> WriteAsync<T>(
        HttpContext http, string tenant, string kind, string id, int status, Func<T?, DateTimeOffset, Outcome<ControlChange<T>>> change)
        where T : class =>
        http.OnceAsync(async _ =>
        {
            for (var attempt = 1; ; attempt++)
            {
                var stored = (await store.ListControlsAsync(tenant, kind, id, http.RequestAborted)).FirstOrDefault();
                var changed = change(stored?.Read<T>(), time.GetUtcNow());
                if (!changed.Succeeded)
                {
                    return changed.As<T>();
                }

                var after = changed.Value.After;
                var result = await store.CommitAsync(
                    new PolicyChange
                    {
                        Tenant = tenant,
                        Operation = http.Record(changed.Value.Repeated ?? after, status),
                        Control = ControlWrite.Of(kind, id, after, stored?.Revision ?? 0),
                        Audit = [changed.Value.Audit],
                    },
                    http.RequestAborted);
                if (result.Status == CommitStatus.Committed)
                {
                    return Outcome<T>.Ok(after);
                }

                if (result.Status != CommitStatus.Stale || attempt == AttemptsMax)
                {
                    return result.Refuse<T>();
                }
            }
        });
}

/// <summary>What a control is to be, and what the audit says of it.</summary>
public sealed record ControlChange<T>(T After, AuditDraft Audit)
    where T : class
{
    /// <summary>What is kept for a repetition of the request, where that is not all that is answered first; null: it is.</summary>
    public T? Repeated { get; init; }

    /// <summary>With the audit entry of what somebody did over HTTP.</summary>
    public static Outcome<ControlChange<T>> Of(
        T after, Actor by, string action, string subject, string? reason, DateTimeOffset at, params ReadOnlySpan<(string Name, string? Value)> detail)
    {
        var facts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in detail)
        {
            if (value is not null)
            {
                facts[name] = value;
            }
        }

        return Outcome<ControlChange<T>>.Ok(new(after, by.Did(action, subject, at, facts.ToImmutable()) with { Reason = reason }));
    }
}
