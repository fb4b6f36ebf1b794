using System.Buffers;
using System.Globalization;

namespace OrleansPolicy.Fleets;

/// <summary>What a report may say. A lying node is outside what a control plane can notice; a broken one is not.</summary>
public static class ReportRules
{
    /// <summary>The code of a report that cannot be read.</summary>
    public const string InvalidCode = "report.invalid";

    /// <summary>The code of a report older than one that was heard from the same boot; it changes nothing.</summary>
    public const string StaleCode = "report.stale";

    /// <summary>The most metrics of one report.</summary>
    public const int MetricsMax = 64;

    /// <summary>The most buckets of one metric.</summary>
    public const int BucketsMax = 64;

    /// <summary>The most reasons for refusals of one report.</summary>
    public const int RejectionsMax = 16;

    /// <summary>The most ways in which a shadow's decisions differ, of one report.</summary>
    public const int ShadowChangesMax = 32;

    /// <summary>The longest metric name, boot id and error, in characters.</summary>
    public const int NameLengthMax = 128;

    /// <summary>The longest error, in characters.</summary>
    public const int ErrorLengthMax = 2_000;

    /// <summary>The largest number of one report: sums of ten thousand nodes over a year of seconds stay finite and exact enough.</summary>
    public const double ValueMax = 1e15;

    private static readonly SearchValues<char> CodeLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-");
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>Null for a sound report, else the first thing that is wrong (<see cref="InvalidCode"/>).</summary>
    public static Problem? Check(NodeReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (string.IsNullOrEmpty(report.BootId) || report.BootId.Length > NameLengthMax)
        {
            return Invalid("$.boot_id", $"boot_id is a text of 1 to {NameLengthMax} characters.");
        }

        if (report.Seq < 0 || report.Epoch < 0 || report.ArmEpoch < 0 || report.Promotions is < 0 or > (long)ValueMax || report.Group is { Epoch: < 0 })
        {
            return Invalid("$", "seq, epoch, arm_epoch and promotions are not negative.");
        }

        if (report.PolicyHash is { } hash && !IsHash(hash))
        {
            return Invalid("$.policy_hash", "policy_hash is 64 lower-case hexadecimal characters.");
        }

        if (report.Error is { Length: > ErrorLengthMax } || report.Reload is { Error.Length: > ErrorLengthMax } or { Code.Length: > NameLengthMax })
        {
            return Invalid("$.error", $"error has at most {ErrorLengthMax} characters.");
        }

        if (report.Reload is { } reload
            && !(double.IsFinite(reload.DurationMs) && reload.DurationMs >= 0 && reload.Rules >= 0 && (reload.PolicyHash is null || IsHash(reload.PolicyHash))))
        {
            return Invalid("$.reload", "A reload has a duration and a count of rules that are not negative, and a hash or none.");
        }

        if (report.Shadow is { } shadow && !IsSound(shadow))
        {
            return Invalid("$.shadow", $"shadow has a policy_hash, counts that are not negative, no more changed than compared, and at most {ShadowChangesMax} changes.");
        }

        return CheckRejections(report) ?? CheckMetrics(report);
    }

    /// <summary>
    /// A bucket's upper bound, which is the text of a number or <c>+Inf</c>; null where it is none. Above <see cref="ValueMax"/> it is taken as
    /// <c>+Inf</c>: that is what a histogram means whose last bound is the largest number that its language has.
    /// </summary>
    public static double? ReadBound(string bound)
    {
        if (bound is "+Inf" or "Infinity")
        {
            return double.PositiveInfinity;
        }

        return bound.Length <= NameLengthMax && double.TryParse(bound, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number) && number >= -ValueMax
            ? (number > ValueMax ? double.PositiveInfinity : number)
            : null;
    }

    /// <summary>Whether a report is news after what was heard last: of another boot, or later in the same.</summary>
    public static bool IsNews(NodeReport report, string? lastBootId, long lastSeq)
    {
        ArgumentNullException.ThrowIfNull(report);
        return report.BootId != lastBootId || report.Seq > lastSeq;
    }

    private static Problem? CheckRejections(NodeReport report)
    {
        if (report.Rejections.IsDefaultOrEmpty)
        {
            return null;
        }

        return report.Rejections.Length <= RejectionsMax && report.Rejections.All(IsSound)
            ? null
            : Invalid("$.rejections", $"rejections is a list of at most {RejectionsMax}, each with a reason, a count of 1 or more and hashes or none.");
    }

    private static bool IsSound(RejectedDecisions rejected) =>
        rejected is { Reason.Length: > 0 and <= NameLengthMax, Count: > 0 and <= (long)ValueMax }
        && rejected.Reason.AsSpan().IndexOfAnyExcept(CodeLetters) < 0
        && (rejected.ExpectedHash is null || IsHash(rejected.ExpectedHash)) && (rejected.GotHash is null || IsHash(rejected.GotHash));

    private static bool IsSound(ShadowWord shadow) =>
        IsHash(shadow.PolicyHash) && shadow is { Compared: >= 0 and <= (long)ValueMax, Changed: >= 0, Dropped: >= 0 and <= (long)ValueMax }
        && shadow.Changed <= shadow.Compared && shadow.Error is not { Length: > ErrorLengthMax }
        && shadow.Changes.Length <= ShadowChangesMax && shadow.Changes.All(change =>
            change is { Count: > 0 and <= (long)ValueMax, FromRule: not { Length: > NameLengthMax }, ToRule: not { Length: > NameLengthMax } });

    private static Problem? CheckMetrics(NodeReport report)
    {
        if (report.Metrics is null || report.Metrics.Count > MetricsMax)
        {
            return Invalid("$.metrics", $"metrics is an object of at most {MetricsMax} metrics.");
        }

        foreach (var (name, value) in report.Metrics)
        {
            if (name.Length is 0 or > NameLengthMax || value is null || !value.IsSound || !AreInRange(value))
            {
                return Invalid("$.metrics", $"'{(name.Length > NameLengthMax ? name[..NameLengthMax] : name)}' is no finite number, its counts are negative or too large, or a bucket's bound is no number.");
            }
        }

        return null;
    }

    private static bool AreInRange(MetricValue value) =>
        value.Count <= ValueMax && Math.Abs(value.Sum) <= ValueMax
        && (value.Buckets is null || (value.Buckets.Count <= BucketsMax && value.Buckets.All(bucket => bucket.Value <= ValueMax && ReadBound(bucket.Key) is not null)));

    private static bool IsHash(string text) => text.Length == 64 && text.AsSpan().IndexOfAnyExcept(HexDigits) < 0;

    private static Problem Invalid(string path, string message) => new(InvalidCode, message, path);
}
