using System.Collections.Immutable;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>What two bundles decide differently over some requests.</summary>
/// <param name="Compared">How many requests both decided.</param>
/// <param name="Changed">For how many something else happens: a change of the reason alone is none.</param>
/// <param name="AnswersOnly">For how many only the rule, the reason or the suggestion is another.</param>
/// <param name="Changes">The changes, the most dangerous first, then by their number.</param>
public sealed record DecisionDiff(long Compared, long Changed, long AnswersOnly, ImmutableArray<DecisionChange> Changes)
{
    /// <summary>The share of the requests for which something else happens, in percent.</summary>
    public decimal ChangedPercentage => Compared == 0 ? 0 : 100m * Changed / Compared;

    /// <summary>Lets two bundles decide the same requests.</summary>
    public static DecisionDiff Compare(RuleSet before, RuleSet after, IEnumerable<ReviewRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        ArgumentNullException.ThrowIfNull(requests);
        var builder = new DecisionDiffBuilder();
        foreach (var request in requests)
        {
            var asked = request.ToDecisionRequest();
            builder.Add(request, before.Decide(asked), after.Decide(asked));
        }

        return builder.ToDiff();
    }
}
