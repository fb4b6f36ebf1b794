using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review;

/// <summary>Walks through conditions.</summary>
internal static class ConditionWalk
{
    /// <summary>Every condition of a rule, those within others too.</summary>
    public static IEnumerable<Condition> Within(Rule rule) => rule.Conditions.SelectMany(Within);

    private static IEnumerable<Condition> Within(Condition condition) => condition switch
    {
        AllCondition all => all.Conditions.SelectMany(Within).Prepend(condition),
        AnyCondition any => any.Conditions.SelectMany(Within).Prepend(condition),
        NotCondition not => Within(not.Condition).Prepend(condition),
        _ => [condition],
    };
}
