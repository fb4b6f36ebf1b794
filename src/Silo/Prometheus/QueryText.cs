using System.Globalization;
using System.Text.RegularExpressions;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Prometheus;

/// <summary>
/// PromQL with variables: <c>$tenant</c>, <c>$fleet</c>, <c>$target</c> (the policy hash that the rollout brings), <c>$version</c> (that
/// bundle's) and <c>$window</c> (the trailing window, such as <c>90s</c>). What they stand for are names, hashes, versions and durations, which
/// hold nothing that could end a text in quotes.
/// </summary>
public sealed partial class QueryText
{
    /// <summary>The longest text.</summary>
    public const int LengthMax = 4_096;

    private static readonly string[] Variables = ["tenant", "fleet", "target", "version", "window"];

    private readonly string _text;

    private QueryText(string text) => (_text, NeedsVersion) = (text, Variable().Matches(text).Any(match => match.Groups[1].Value == "version"));

    /// <summary>Whether it names the bundle's version.</summary>
    public bool NeedsVersion { get; }

    /// <summary>Reads a text. Whether it is PromQL only the server knows; the error says what is wrong with it as a text.</summary>
    public static (QueryText? Text, string? Error) Read(string? text)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Length > LengthMax)
        {
            return (null, $"a query is a text of 1 to {LengthMax} characters");
        }

        var unknown = Variable().Matches(text).Select(match => match.Groups[1].Value).FirstOrDefault(name => !Variables.Contains(name));
        return unknown is null ? (new QueryText(text), null) : (null, $"${unknown} is none of {string.Join(", ", Variables.Select(name => "$" + name))}");
    }

    /// <summary>The PromQL of one question.</summary>
    /// <param name="query">What its variables stand for.</param>
    /// <param name="version">The version of the bundle that the rollout brings, where <see cref="NeedsVersion"/>.</param>
    /// <param name="now">When it is asked.</param>
    public string Fill(MetricQuery query, string? version, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(query);
        return Variable().Replace(_text, match => match.Groups[1].Value switch
        {
            "tenant" => query.Tenant,
            "fleet" => query.Fleet,
            "target" => query.Target,
            "version" => version ?? "",
            _ => string.Create(CultureInfo.InvariantCulture, $"{query.LookBackAt(now).TotalSeconds:0}s"),
        });
    }

    // A $ that no letter follows is PromQL's own: the end of a regular expression.
    [GeneratedRegex(@"\$([A-Za-z_]+)")]
    private static partial Regex Variable();
}
