using System.Globalization;
using OrleansPolicy.Arming;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    private static readonly TimeSpan ArmWaitDefault = TimeSpan.FromSeconds(5);

    /// <summary>Lets nobody in the target serve until it is armed.</summary>
    /// <param name="target">Whom.</param>
    /// <param name="reason">Why; the audit keeps it.</param>
    /// <param name="emergency">Whether arming again shall take two people; null: for a tenant and for everything.</param>
    /// <param name="wait">How long the answer may wait for the nodes' word; null: 5 s.</param>
    /// <param name="idempotencyKey">Asking twice under the same key does it once; the second answer tells how far it has come.</param>
    /// <param name="cancellationToken">Ends the call, not the disarm.</param>
    public Task<ArmAnswer> DisarmAsync(
        ArmTarget target, string reason, bool? emergency = null, TimeSpan? wait = null, string? idempotencyKey = null,
        CancellationToken cancellationToken = default) =>
        SayAsync(target, "disarm", new DisarmBody(reason, emergency), wait, idempotencyKey, cancellationToken);

    /// <summary>
    /// Lets the target serve, as far as nothing else disarms it. After an emergency the answer has a <see cref="ArmAnswer.PendingId"/> and
    /// nothing is armed: another person arms with that id.
    /// </summary>
    public Task<ArmAnswer> ArmAsync(
        ArmTarget target, string reason, string? pendingId = null, TimeSpan? wait = null, string? idempotencyKey = null,
        CancellationToken cancellationToken = default) =>
        SayAsync(target, "arm", new ArmBody(reason, pendingId), wait, idempotencyKey, cancellationToken);

    private async Task<ArmAnswer> SayAsync<TBody>(ArmTarget target, string what, TBody body, TimeSpan? wait, string? idempotencyKey, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        var held = wait ?? ArmWaitDefault;
        var path = $"{(target.IsOutsideTenant ? "" : _tenantPath)}{target.Path}/{what}";
        return Read<ArmAnswer>(await SendAsync(
            new PolicyRequest(HttpMethod.Post, path + string.Create(CultureInfo.InvariantCulture, $"?wait={held.TotalSeconds:0.###}"))
            {
                Body = Json(body),
                IdempotencyKey = idempotencyKey ?? NewIdempotencyKey(),
                Timeout = held + Options.Timeout,
            },
            cancellationToken));
    }

    private sealed record DisarmBody(string Reason, bool? Emergency);

    private sealed record ArmBody(string Reason, string? PendingId);
}
