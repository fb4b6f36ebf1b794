using System.Collections.Immutable;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>The tenant's freeze windows, by name.</summary>
    public Task<ImmutableArray<WindowAnswer>> ListWindowsAsync(CancellationToken cancellationToken = default) =>
        ListAsync<WindowAnswer>("/windows", "windows", cancellationToken);

    /// <summary>Sets a freeze window in the place of the one of that name.</summary>
    public Task<WindowAnswer> SetWindowAsync(string name, NewWindow window, CancellationToken cancellationToken = default) =>
        SendJsonAsync<NewWindow, WindowAnswer>(HttpMethod.Put, $"/windows/{Segment(name)}", window, null, cancellationToken);

    /// <summary>Takes a freeze window away.</summary>
    public async Task RemoveWindowAsync(string name, string reason, CancellationToken cancellationToken = default) =>
        await SendAsync(
            new PolicyRequest(HttpMethod.Delete, $"{_tenantPath}/windows/{Segment(name)}?reason={Uri.EscapeDataString(reason)}"), cancellationToken);
}

/// <summary>A freeze window to set.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Zone">The IANA time zone that its times are of.</param>
/// <param name="Starts">When it begins first, local, such as <c>2026-12-18T18:00</c>.</param>
/// <param name="Ends">When it ends that time.</param>
/// <param name="Reason">Why.</param>
public sealed record NewWindow(FreezeKind Kind, string Zone, string Starts, string Ends, string Reason)
{
    /// <summary>The one fleet it is for; null: all of the tenant's.</summary>
    public string? Fleet { get; init; }

    /// <summary>Whether it comes again.</summary>
    public FreezeRepeat Repeats { get; init; }

    /// <summary>Of a weekly one: the days on which one begins; empty: that of its first.</summary>
    public ImmutableArray<DayOfWeek> Days { get; init; } = [];

    /// <summary>From when on none begins, local; null: it comes for ever.</summary>
    public string? Until { get; init; }
}

/// <summary>A freeze window.</summary>
public sealed record WindowAnswer
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>What it does.</summary>
    public required FreezeKind Kind { get; init; }

    /// <summary>The one fleet it is for; null: all of the tenant's.</summary>
    public string? Fleet { get; init; }

    /// <summary>The IANA time zone that its times are of.</summary>
    public required string Zone { get; init; }

    /// <summary>When it begins first, local.</summary>
    public required string Starts { get; init; }

    /// <summary>When it ends that time, local.</summary>
    public required string Ends { get; init; }

    /// <summary>Whether it comes again.</summary>
    public FreezeRepeat Repeats { get; init; }

    /// <summary>Of a weekly one: the days on which one begins; empty: that of its first.</summary>
    public ImmutableArray<DayOfWeek> Days { get; init; } = [];

    /// <summary>From when on none begins, local; null: it comes for ever.</summary>
    public string? Until { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }

    /// <summary>Who set it.</summary>
    public string? SetBy { get; init; }

    /// <summary>The next times it is there, the present one among them.</summary>
    public ImmutableArray<FreezeSpan> Next { get; init; } = [];
}
