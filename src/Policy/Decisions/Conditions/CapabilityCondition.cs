namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Holds for the capabilities of a set: unison's <c>intent_prefix</c> and the native <c>capability</c>.</summary>
internal sealed class CapabilityCondition(CapabilitySet set) : Condition
{
    // Made when first asked for, which is seldom: the index answers for most rules.
    private byte[][]? exact;
    private byte[][]? prefixes;

    public override string Text => set.Text;

    public override CapabilitySet? Capabilities => set;

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        var capability = evaluation.Capability;
        foreach (var prefix in prefixes ??= Operand.Utf8(set.Prefixes))
        {
            if (capability.StartsWith(prefix))
            {
                return Truth.Yes;
            }
        }

        foreach (var name in exact ??= Operand.Utf8(set.Exact))
        {
            if (capability.SequenceEqual(name))
            {
                return Truth.Yes;
            }
        }

        return Truth.No;
    }
}
