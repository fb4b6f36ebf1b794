namespace OrleansPolicy.Rollouts;

/// <summary>What a configured query last said.</summary>
/// <param name="Value">The number, finite; null: there is none.</param>
/// <param name="At">The moment that the number is about.</param>
/// <param name="HeardAt">When it arrived.</param>
/// <param name="Code">Why there is none, or why no other came since: one of <see cref="QueryCodes"/>; null: it is the newest answer.</param>
public sealed record QueriedMetric(double? Value, DateTimeOffset? At, DateTimeOffset? HeardAt, string? Code)
{
    /// <summary>Nothing that could be judged.</summary>
    public static QueriedMetric Without(string code) => new(null, null, null, code);

    /// <summary>
    /// The number, as long as it is fresh: where the server is away for a moment the last answer stands. Null: there is none that counts.
    /// </summary>
    public double? NumberAt(DateTimeOffset now, double freshnessSec) => At is { } at && (now - at).TotalSeconds <= freshnessSec ? Value : null;
}

/// <summary>Why a query's answer decides nothing. Each makes a criterion INCONCLUSIVE and keeps a trigger from firing.</summary>
public static class QueryCodes
{
    /// <summary>This process is not configured with a query of that name.</summary>
    public const string Unknown = "query.unknown";

    /// <summary>It was just asked, and there is neither an answer nor a failure yet: a moment after a stage was entered, or another process took over.</summary>
    public const string Pending = "query.pending";

    /// <summary>The server cannot be reached, or gives no answer in time.</summary>
    public const string Unavailable = "query.unavailable";

    /// <summary>The server refuses the query, or what it answers is no answer.</summary>
    public const string Failed = "query.failed";

    /// <summary>The answer has no series.</summary>
    public const string Empty = "query.empty";

    /// <summary>The answer has several series: which of them is meant nobody knows.</summary>
    public const string Several = "query.several";

    /// <summary>The answer is NaN or infinite, as where it divides by nothing.</summary>
    public const string NotANumber = "query.not_a_number";

    /// <summary>The newest number is older than <c>freshness_sec</c>.</summary>
    public const string Stale = "query.stale";

    /// <summary>The same as the end of a sentence about a criterion; null: it is none of these codes.</summary>
    internal static string? Describe(string? code) => code switch
    {
        Unknown => "this process is configured with no query of that name.",
        Pending => "the query was just asked.",
        Unavailable => "the metrics server gives no answer.",
        Failed => "the metrics server refuses the query, or answers something else.",
        Empty => "the query finds no series.",
        Several => "the query finds several series, and one number is needed.",
        NotANumber => "the query's answer is no finite number.",
        Stale => "the query's newest answer is too old.",
        _ => null,
    };
}
