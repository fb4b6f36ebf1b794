namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>Whether the tenant's line is stopped: then none of its rollouts starts or goes forward.</summary>
    public Task<LineAnswer> GetLineAsync(CancellationToken cancellationToken = default) => GetAsync<LineAnswer>("/line", cancellationToken);

    /// <summary>Stops the tenant's line; fails with <c>line.state</c> where it is stopped.</summary>
    public Task<LineAnswer> StopLineAsync(string reason, CancellationToken cancellationToken = default) =>
        SendJsonAsync<ReasonBody, LineAnswer>(HttpMethod.Post, "/line/stop", new ReasonBody(reason), null, cancellationToken);

    /// <summary>Releases it; fails with <c>line.state</c> where it is not stopped.</summary>
    public Task<LineAnswer> ReleaseLineAsync(string reason, CancellationToken cancellationToken = default) =>
        SendJsonAsync<ReasonBody, LineAnswer>(HttpMethod.Post, "/line/release", new ReasonBody(reason), null, cancellationToken);
}

/// <summary>A tenant's line.</summary>
/// <param name="Stopped">Whether it is stopped.</param>
/// <param name="By">Who stopped it; null: nobody.</param>
/// <param name="Reason">Why.</param>
/// <param name="Since">Since when.</param>
public sealed record LineAnswer(bool Stopped, string? By, string? Reason, DateTimeOffset? Since);
