using System.Collections.Immutable;

namespace OrleansPolicy.Client;

/// <summary>Where the control plane is, and who asks.</summary>
public sealed record PolicyClientOptions
{
    /// <summary>The address that a control plane listens on by default.</summary>
    public static Uri DefaultServer { get; } = new("http://127.0.0.1:8080");

    /// <summary>
    /// The addresses of the control plane's silos, each scheme, host and port; a path is not allowed. One is drawn at random; where it does
    /// not answer, or stops, the next request goes to another within 2 s. Default <see cref="DefaultServer"/> alone.
    /// </summary>
    public ImmutableArray<Uri> Servers { get; init; } = [DefaultServer];

    /// <summary>The only address, or the first of <see cref="Servers"/>.</summary>
    public Uri Server
    {
        get => Servers[0];
        init => Servers = [value];
    }

    /// <summary>The API key; sent to <see cref="Servers"/> only. Null: none is sent.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The tenant. Default <c>default</c>.</summary>
    public string Tenant { get; init; } = "default";

    /// <summary>The program that asks, as <c>name/version</c>; sent as <c>User-Agent</c>. Null: none is said.</summary>
    public string? Program { get; init; }

    /// <summary>How long one attempt of a request may take. Default 30 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long an update may wait, in the tenant's queue, where the update limit refuses it (<c>Prefer: wait</c>); whole seconds, at most
    /// 60 count. An attempt may take that much longer than <see cref="Timeout"/>. Null: it is refused at once.
    /// </summary>
    public TimeSpan? AdmissionWait { get; init; }

    /// <summary>How often a request that can be repeated safely is tried in all. Default 4; 1 switches repeating off.</summary>
    public int MaxAttempts { get; init; } = 4;

    /// <summary>Waits between attempts.</summary>
    public Backoff Backoff { get; init; } = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(3));

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Connections to share; null: the client opens its own and closes them with itself.</summary>
    public PolicyTransport? Transport { get; init; }

    /// <summary>What is wrong with addresses; null: nothing.</summary>
    internal static string? Check(ImmutableArray<Uri> servers) =>
        servers.IsDefaultOrEmpty ? "At least one server is needed."
        : servers.Where(server => server is not { IsAbsoluteUri: true, Scheme: "http" or "https", PathAndQuery: "/", UserInfo: "" }).ToArray() is [var wrong, ..]
            ? $"The server must be an origin such as {DefaultServer}, not '{wrong}'."
            : null;
}
