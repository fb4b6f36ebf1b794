using System.Collections.Immutable;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Facts;

/// <summary>
/// Takes conditions apart: every way in which one can come out as asked, each as facts about its leaves. Exactly as evaluating
/// goes, from left to right up to what settles it. Null where there are more ways than <see cref="CasesMax"/>: then nothing is claimed.
/// </summary>
internal static class FactCases
{
    public const int CasesMax = 512;

    /// <summary>The ways in which a rule matches, or fails. The index passes over rules whose capabilities do not fit, so fitting is a fact too.</summary>
    public static ImmutableArray<ImmutableArray<Fact>>? Of(Rule rule, Truth outcome)
    {
        var cases = Of(new AllCondition([.. rule.Conditions]), outcome);
        return Index(rule) is not { } index || cases is null ? cases
            : outcome == Truth.No ? cases.Value.Insert(0, [new Fact(index, Truth.No)])
            : [.. cases.Value.Select(c => c.Insert(0, new Fact(index, Truth.Yes)))];
    }

    public static ImmutableArray<ImmutableArray<Fact>>? Of(Condition condition, Truth outcome) => condition switch
    {
        AllCondition all => OfSequence(all.Conditions, Truth.Yes, outcome),
        AnyCondition any => OfSequence(any.Conditions, Truth.No, outcome),
        NotCondition not => Of(not.Condition, Opposite(outcome)),
        PathCondition { Tests.Length: > 1, Path: { IsCapability: true } or { IsSinglePlace: true } } several =>
            OfSequence([.. several.Tests.Select(t => new PathCondition(several.Path, [t]))], Truth.Yes, outcome),
        _ => outcome == Truth.Error && !CanFail(condition) ? [] : [[new Fact(condition, outcome)]],
    };

    private static CapabilityCondition? Index(Rule rule) =>
        rule.Conditions.Select(c => c.Capabilities).FirstOrDefault(c => c is not null) is { } set ? new CapabilityCondition(set) : null;

    private static Truth Opposite(Truth outcome) => outcome switch
    {
        Truth.Yes => Truth.No,
        Truth.No => Truth.Yes,
        _ => Truth.Error,
    };

    // `all` goes on while conditions hold, `any` while they do not; the first other outcome is the whole's.
    private static ImmutableArray<ImmutableArray<Fact>>? OfSequence(ImmutableArray<Condition> conditions, Truth goesOn, Truth outcome)
    {
        var found = ImmutableArray.CreateBuilder<ImmutableArray<Fact>>();
        ImmutableArray<ImmutableArray<Fact>> before = [[]];
        foreach (var condition in conditions)
        {
            if (outcome != goesOn)
            {
                if (Of(condition, outcome) is not { } here || (long)here.Length * before.Length + found.Count > CasesMax)
                {
                    return null;
                }

                found.AddRange(Both(before, here));
            }

            if (Of(condition, goesOn) is not { } next || (long)next.Length * before.Length > CasesMax)
            {
                return null;
            }

            before = Both(before, next);
        }

        return outcome == goesOn ? before : found.ToImmutable();
    }

    private static ImmutableArray<ImmutableArray<Fact>> Both(ImmutableArray<ImmutableArray<Fact>> left, ImmutableArray<ImmutableArray<Fact>> right) =>
        [.. left.SelectMany(l => right.Select(l.AddRange))];

    private static bool CanFail(Condition condition) => condition switch
    {
        CapabilityCondition or TimeWindowCondition or DeviceClassCondition or RiskLevelCondition => false,
        PathCondition path => path.Tests.Any(t => t is not (EqualityTest or ExistsTest or PathEqualityTest)),
        _ => true,
    };
}
