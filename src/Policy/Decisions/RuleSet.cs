using System.Collections.Immutable;
using System.Runtime.InteropServices;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>
/// A bundle's rules, compiled for deciding. Immutable; any number of threads decide at once without a lock, and on the usual
/// path without an allocation. Rules are tried by descending priority, then by position; the first that matches decides.
/// </summary>
public sealed class RuleSet
{
    // What counts as one rule held against one context; so much more text counts as one more of them.
    private const int RuleTextBytes = 256;
    private const int ContextBytes = 1024;

    private readonly CompiledRule[] rules;
    private readonly RuleIndex index;
    private readonly PreparedDecision fallback;
    private long[]? weights;
    private long errors;

    private RuleSet(Bundle bundle, DefaultEffect defaultEffect)
    {
        PolicyHash = bundle.PolicyHash;
        Version = bundle.Metadata.Version;
        DefaultEffect = defaultEffect;
        ImmutableArray<Rule> ordered = [.. bundle.Rules.Where(r => r.Enabled).OrderByDescending(r => r.Priority).ThenBy(r => r.Position)];
        var riskLevel = (bundle.Paths ?? new PathTable()).RiskLevel;
        rules = [.. ordered.Select(r => new CompiledRule(r, riskLevel))];
        index = new RuleIndex(ordered);
        var isAllowed = defaultEffect == DefaultEffect.Allow;
        fallback = new PreparedDecision(new Decision(isAllowed, false, isAllowed ? "default-allow" : "default-deny", null, null, null), riskLevel);
    }

    /// <summary>The bundle's hash.</summary>
    public string PolicyHash { get; }

    /// <summary>The bundle's version.</summary>
    public string Version { get; }

    /// <summary>How many rules are enabled.</summary>
    public int Count => rules.Length;

    /// <summary>What a request gets that no rule matches.</summary>
    public DefaultEffect DefaultEffect { get; }

    /// <summary>How many decisions denied because a rule could not be evaluated.</summary>
    public long Errors => Interlocked.Read(ref errors);

    /// <summary>
    /// Compiles a bundle. A document bundle has no rules: every decision is its default effect. What no rule matches is denied
    /// unless, in this order, the request (when a bundle is tried), the bundle or the process says allow.
    /// </summary>
    public static Outcome<RuleSet> Compile(Bundle bundle, DefaultEffect? processDefault = null, DefaultEffect? requestDefault = null)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        return Outcome<RuleSet>.Ok(new RuleSet(
            bundle, requestDefault ?? bundle.Metadata.DefaultEffect ?? processDefault ?? DefaultEffect.Deny));
    }

    /// <summary>Decides one request. Never throws: what cannot be evaluated is denied, with the reason.</summary>
    public Decision Decide(in DecisionRequest request)
    {
        var capability = request.CapabilityId ?? "";
        CompiledRule? current = null;
        try
        {
            var evaluation = new Evaluation(capability, request.Context ?? DecisionContext.Empty, request.Now);
            return evaluation.Context.Fault is { } fault ? Fail(null, fault) : Decide(capability, ref evaluation, ref current);
        }
        catch (Exception e) when (IsFromInput(e))
        {
            return Fail(current, e.Message);
        }
    }

    /// <summary>The same decision with each rule and why it did or did not match, up to the one that decided; those too that the index passes over.</summary>
    public DecisionTrace Explain(in DecisionRequest request)
    {
        var capability = request.CapabilityId ?? "";
        var steps = ImmutableArray.CreateBuilder<DecisionStep>();
        try
        {
            var evaluation = new Evaluation(capability, request.Context ?? DecisionContext.Empty, request.Now);
            var (specific, general) = (index.Select(capability), index.General);
            for (var i = 0; i < rules.Length && evaluation.Context.Fault is null; i++)
            {
                // A rule that deciding never looks at has no say here either: what else it asks might hold, or fail.
                var rule = rules[i];
                var isTried = Array.BinarySearch(specific, i) >= 0 || Array.BinarySearch(general, i) >= 0;
                var (truth, why) = isTried ? rule.Explain(ref evaluation) : (Truth.No, rule.PassedOver);
                steps.Add(new DecisionStep(rule.Rule.Id, rule.Rule.Position, rule.Rule.Priority, truth != Truth.No, why));
                if (truth != Truth.No || steps.Count == DecisionTrace.StepsMax)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (IsFromInput(e))
        {
            // The decision, which fails in the same way, says what it was.
        }

        return new DecisionTrace(Decide(request), steps.ToImmutable(), Truncated: steps.Count == DecisionTrace.StepsMax);
    }

    /// <summary>
    /// How much deciding one input takes at most, in rules tried: each enabled one that can concern its capability counts once, more
    /// where its text is longer than 255 bytes, and all of them more for every KiB of the context. Decides nothing; for who is asked for
    /// many decisions and must know beforehand what they would cost.
    /// </summary>
    /// <param name="input">What would be asked.</param>
    /// <param name="most">Where counting may stop: beyond it the answer says no more than that.</param>
    public long Effort(DecisionInput input, long most)
    {
        ArgumentNullException.ThrowIfNull(input);
        var known = weights ??= [.. rules.Select(rule => 1L + (JsonMarshal.GetRawUtf8Value(rule.Rule.Source).Length / RuleTextBytes))];
        var each = 1 + ((input.Context?.Utf8.Length ?? 0) / ContextBytes);
        var effort = 0L;
        foreach (var places in (ReadOnlySpan<int[]>)[index.Select(input.CapabilityId), index.General])
        {
            for (var i = 0; i < places.Length && effort <= most; i++)
            {
                effort += known[places[i]] * each;
            }
        }

        return effort;
    }

    // A text of the context with half a surrogate pair, and whatever else no one thought of: whatever a
    // rule cannot be held against is denied.
    private static bool IsFromInput(Exception e) => e is not OutOfMemoryException;

    // Apart from the caller: what a try block covers is kept in memory, not in registers.
    private Decision Decide(string capability, ref Evaluation evaluation, ref CompiledRule? current)
    {
        var (specific, general) = (index.Select(capability), index.General);
        for (int s = 0, g = 0; s < specific.Length || g < general.Length;)
        {
            var isSpecific = g >= general.Length || (s < specific.Length && specific[s] < general[g]);
            var rule = current = rules[isSpecific ? specific[s++] : general[g++]];
            switch (rule.Evaluate(ref evaluation, isSpecific))
            {
                case Truth.Yes:
                    return rule.Answer(ref evaluation);
                case Truth.Error:
                    return Fail(rule, evaluation.Fault!);
                default:
                    break;
            }
        }

        return fallback.For(ref evaluation);
    }

    private Decision Fail(CompiledRule? rule, string fault)
    {
        Interlocked.Increment(ref errors);
        return new Decision(false, false, "evaluation-error: " + fault, rule?.Rule.Id, null, null) { IsError = true };
    }
}
