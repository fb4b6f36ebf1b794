namespace OrleansPolicy.Silo.Http;

/// <summary>The reasons that people give; they end up in the audit.</summary>
internal static class Reasons
{
    private const int LengthMax = 2_000;

    /// <summary>A reason that is missing or no reason, as a problem.</summary>
    public static Problem? Check(string? reason) =>
        string.IsNullOrWhiteSpace(reason) ? new Problem("reason.missing", "Say why: the reason goes to the audit.", "$.reason")
        : reason.Length > LengthMax ? new Problem("reason.too_long", $"A reason has at most {LengthMax} characters.", "$.reason")
        : null;
}

/// <summary>A request that needs nothing but its reason.</summary>
/// <param name="Reason">Why; at most 2,000 characters.</param>
public sealed record ReasonRequest(string? Reason);
