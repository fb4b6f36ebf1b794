using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Holds when one holds. Left to right: what comes after a yes, or after an error, is not looked at.</summary>
internal sealed class AnyCondition(Condition[] conditions) : Condition
{
    public ImmutableArray<Condition> Conditions => ImmutableCollectionsMarshal.AsImmutableArray(conditions);

    public override string Text => "any of (" + string.Join("; ", conditions.Select(c => c.Text)) + ")";

    public override CapabilitySet? Capabilities
    {
        get
        {
            var sets = conditions.Select(c => c.Capabilities).ToArray();
            return sets.All(s => s is not null)
                ? new CapabilitySet([.. sets.SelectMany(s => s!.Exact)], [.. sets.SelectMany(s => s!.Prefixes)])
                : null;
        }
    }

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        foreach (var condition in conditions)
        {
            if (condition.Evaluate(ref evaluation) is var truth and not Truth.No)
            {
                return truth;
            }
        }

        return Truth.No;
    }
}
