using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Holds when every one holds. Left to right: what comes after a no, or after an error, is not looked at.</summary>
internal sealed class AllCondition(Condition[] conditions) : Condition
{
    public ImmutableArray<Condition> Conditions => ImmutableCollectionsMarshal.AsImmutableArray(conditions);

    public override string Text => "all of (" + string.Join("; ", conditions.Select(c => c.Text)) + ")";

    public override CapabilitySet? Capabilities => conditions.Select(c => c.Capabilities).FirstOrDefault(c => c is not null);

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        foreach (var condition in conditions)
        {
            if (condition.Evaluate(ref evaluation) is var truth and not Truth.Yes)
            {
                return truth;
            }
        }

        return Truth.Yes;
    }
}
