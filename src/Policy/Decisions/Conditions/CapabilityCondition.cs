namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Holds for the capabilities of a set: unison's <c>intent_prefix</c> and the native <c>capability</c>.</summary>
internal sealed class CapabilityCondition(CapabilitySet set) : Condition
{
    public override string Text => set.Text;

    public override CapabilitySet? Capabilities => set;

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        foreach (var prefix in set.Prefixes)
        {
            if (evaluation.Capability.StartsWith(prefix, StringComparison.Ordinal))
            {
                return Truth.Yes;
            }
        }

        return set.Exact.Contains(evaluation.Capability) ? Truth.Yes : Truth.No;
    }
}
