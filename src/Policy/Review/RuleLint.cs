using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Review.Facts;

namespace OrleansPolicy.Review;

/// <summary>
/// Finds rules that do nothing. Only what is proven is reported: that a rule never matches holds for every request there is. What
/// could not be examined, because it has too many alternatives, is counted.
/// </summary>
public sealed class RuleLint
{
    private readonly Bundle bundle;
    private readonly ImmutableArray<Rule> order;
    private readonly PlaceFacts places = new();
    private readonly CoverIndex earlier = new();
    private readonly Dictionary<Rule, ImmutableArray<ImmutableArray<Fact>>?> misses = [];
    private readonly ImmutableArray<LintFinding>.Builder findings = ImmutableArray.CreateBuilder<LintFinding>();
    private int unexamined;

    private RuleLint(Bundle bundle)
    {
        this.bundle = bundle;
        order = RuleOrder.Of(bundle);
    }

    /// <summary>Examines a bundle.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="now">Now, for what may be expired.</param>
    public static LintReport Examine(Bundle bundle, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        var lint = new RuleLint(bundle);
        if (bundle.Metadata.ExpiresAt is { } end && end <= now)
        {
            lint.findings.Add(new LintFinding(
                "lint.expired", LintSeverity.Warning, string.Create(CultureInfo.InvariantCulture, $"The bundle expired at {end.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}."), "$.metadata.expires_at"));
        }

        foreach (var rule in lint.order)
        {
            lint.Examine(rule);
            lint.earlier.Add(rule);
        }

        lint.FindDisabled();
        lint.FindSameAsDefault();
        return new LintReport(
            [.. lint.findings.OrderByDescending(f => f.Severity).ThenBy(f => lint.bundle.Rules.FirstOrDefault(r => r.Id == f.RuleId)?.Position ?? -1)],
            lint.order.Length, lint.unexamined);
    }

    private void Examine(Rule rule)
    {
        if (FactCases.Of(rule, Truth.Yes) is not { } all || FactCases.Of(rule, Truth.Error) is not { } failing)
        {
            unexamined++;
            return;
        }

        var cases = Possible(all);
        if (cases.Count == 0)
        {
            Add(rule, "lint.contradiction", "its conditions cannot hold together", [], Possible(failing).Count > 0);
            return;
        }

        var by = CoveringRules(cases);
        if (by is not null)
        {
            var isBehind = by.Any(r => r.Position > rule.Position);
            Add(
                rule, isBehind ? "lint.shadowed_by_priority" : "lint.shadowed",
                isBehind ? "rules of a higher priority that stand behind it always decide first" : "earlier rules always decide first",
                by, CoveringRules(Possible(failing)) is null);
        }
    }

    private List<FactGroups> Possible(ImmutableArray<ImmutableArray<Fact>> cases) =>
        [.. cases.Select(c => new FactGroups(c, places)).Where(g => !g.IsImpossible)];

    /// <summary>Earlier rules of which one decides in each of the cases; null where that is not proven. One for all goes before several.</summary>
    private List<Rule>? CoveringRules(List<FactGroups> cases)
    {
        if (cases.Count == 0)
        {
            return [];
        }

        var candidates = new List<Rule[]>();
        foreach (var one in cases)
        {
            var all = CoveringAll(one);

            // None covers the whole of it; several may cover its parts.
            var parts = all.Length > 0 ? [all] : Possible(FactSplits.Of(one.Facts)).ConvertAll(CoveringAll);
            if (parts.Exists(p => p.Length == 0))
            {
                return null;
            }

            candidates.AddRange(parts);
        }

        return candidates[0].FirstOrDefault(r => candidates.TrueForAll(c => c.Contains(r))) is { } rule
            ? [rule]
            : [.. candidates.Select(c => c[0]).Distinct()];
    }

    private Rule[] CoveringAll(FactGroups facts) => [.. earlier.For(facts).Where(r => Covers(r, facts))];

    // An earlier rule decides where it matches or fails: where every way in which it could say no is impossible.
    private bool Covers(Rule rule, FactGroups facts)
    {
        if (!misses.TryGetValue(rule, out var ways))
        {
            misses[rule] = ways = FactCases.Of(rule, Truth.No);
        }

        return ways is { } all && all.All(facts.IsImpossibleWith);
    }

    private void FindDisabled()
    {
        foreach (var rule in bundle.Rules.Where(r => !r.Enabled))
        {
            findings.Add(new LintFinding("lint.disabled", LintSeverity.Note, $"{rule.Id} is disabled.", PathOf(rule)) { RuleId = rule.Id });
        }
    }

    // From the end: rules behind which nothing else can happen than the default.
    private void FindSameAsDefault()
    {
        var effect = bundle.Metadata.DefaultEffect == DefaultEffect.Allow ? RuleEffect.Allow : RuleEffect.Deny;
        foreach (var rule in order.Reverse().TakeWhile(r => r.Effect == effect && !(effect == RuleEffect.Allow && CanFail(r))))
        {
            findings.Add(new LintFinding(
                "lint.same_as_default", LintSeverity.Note, $"{rule.Id} does what the default effect does anyway; only the reason is another.", PathOf(rule))
            { RuleId = rule.Id });
        }
    }

    // What fails denies, which a default of allow would not.
    private static bool CanFail(Rule rule) => FactCases.Of(rule, Truth.Error) is not { Length: 0 };

    private void Add(Rule rule, string code, string why, List<Rule> by, bool canStillFail)
    {
        var others = by.Count > 0 ? $" ({string.Join(", ", by.Select(r => r.Id))})" : "";
        var fails = canStillFail ? "; it may still deny with an evaluation error" : "";
        findings.Add(new LintFinding(code, LintSeverity.Warning, $"{rule.Id} never matches: {why}{others}{fails}.", PathOf(rule))
        {
            RuleId = rule.Id,
            By = [.. by.Select(r => r.Id)],
            CanStillFail = canStillFail,
        });
    }

    private string PathOf(Rule rule) =>
        string.Create(CultureInfo.InvariantCulture, $"{(bundle.Form == BundleForm.RuleList ? "$" : "$.policies")}[{rule.Position}]");
}

/// <summary>What was found in a bundle.</summary>
/// <param name="Findings">Warnings first, then by place.</param>
/// <param name="Rules">How many rules were looked at: the enabled ones.</param>
/// <param name="Unexamined">How many of them have too many alternatives to say anything.</param>
public sealed record LintReport(ImmutableArray<LintFinding> Findings, int Rules, int Unexamined);
