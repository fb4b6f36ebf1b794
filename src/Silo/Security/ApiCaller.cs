using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Security;

/// <summary>Whose request it is.</summary>
public sealed record ApiCaller
{
    /// <summary>The stored key that was shown.</summary>
    public required KeyWrite Key { get; init; }

    /// <summary>What it is for.</summary>
    public required Role Role { get; init; }

    /// <summary>Cancelled within two seconds after the key was revoked, and when it expires: open polls end by it.</summary>
    public required CancellationToken Ended { get; init; }

    /// <summary>Whether it is an admin of the whole installation.</summary>
    public bool IsInstallationAdmin => Key.Tenant is null && Role == Role.Admin;

    /// <summary>Through what it says that it came.</summary>
    public string Interface { get; init; } = CallerInterface.Http;

    /// <summary>The browser's session by which it came; null: it showed its key itself.</summary>
    public BrowserSession? Session { get; init; }

    /// <summary>The same for the audit.</summary>
    public Actor Actor => new(Key.Subject, Interface, Key.KeyId, Key.Creators);
}

/// <summary>The caller of a request.</summary>
internal static class ApiCallers
{
    /// <summary>Whose request it is; access control let it through, so it is somebody's.</summary>
    public static ApiCaller ApiCaller(this HttpContext http) =>
        http.Features.Get<ApiCaller>() ?? throw new InvalidOperationException("The endpoint is open to all, so there is no caller.");
}
