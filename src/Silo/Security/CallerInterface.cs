namespace OrleansPolicy.Silo.Security;

/// <summary>
/// Through what a caller says that it came: the first name of its <c>User-Agent</c>. It is written down for people, and lets nobody do
/// anything. Only our own programs have names here, so that no stranger's words get into the audit.
/// </summary>
internal static class CallerInterface
{
    /// <summary>Every other program.</summary>
    public const string Http = "http";

    /// <summary>What it is called in the audit.</summary>
    public static string Of(string? userAgent) => userAgent?.Split('/', 2)[0] switch
    {
        "policyctl" => "cli",
        "policyctl-runbook" => "runbook",
        "orleans-policy-nats" => "nats",
        _ => Http,
    };
}
