using System.Text.RegularExpressions;

namespace OrleansPolicy.Rollouts;

/// <summary>What a rollout asks a metrics server: a query that the process is configured with, and what its variables stand for.</summary>
/// <param name="Name">The query's name, without <see cref="Prefix"/>.</param>
/// <param name="Tenant">The tenant.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Target">The policy hash that the rollout brings.</param>
/// <param name="Since">When the running window began: what was answered before says nothing about it.</param>
/// <param name="Window">How long an observation window is, in real time.</param>
public sealed partial record MetricQuery(string Name, string Tenant, string Fleet, string Target, DateTimeOffset Since, TimeSpan Window)
{
    /// <summary>What the metric of a criterion begins with where it is a query's answer and not what nodes report.</summary>
    public const string Prefix = "prom:";

    private static readonly TimeSpan LookBackMin = TimeSpan.FromSeconds(1);

    /// <summary>The query that a metric names; null: it is one of the nodes' own.</summary>
    public static string? NameIn(string metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        return metric.StartsWith(Prefix, StringComparison.Ordinal) ? metric[Prefix.Length..] : null;
    }

    /// <summary>Whether a text means a query somewhere, whether or not the rest of it parses: then it is not for a person.</summary>
    public static bool IsNamedIn(string text) => Named().IsMatch(text);

    /// <summary>The trailing window at a moment, in whole seconds: since <see cref="Since"/>, at most <see cref="Window"/>, at least a second.</summary>
    public TimeSpan LookBackAt(DateTimeOffset now)
    {
        var running = now - Since;
        var back = running < Window ? running : Window;
        return back < LookBackMin ? LookBackMin : TimeSpan.FromSeconds(Math.Floor(back.TotalSeconds));
    }

    [GeneratedRegex(@"(?<![\w.:-])prom:[a-z0-9]")]
    private static partial Regex Named();
}
