namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Holds for the capabilities of a set: unison's <c>intent_prefix</c> and the native <c>capability</c>.</summary>
internal sealed class CapabilityCondition : Condition
{
    private readonly CapabilitySet set;
    private readonly byte[][] exact;
    private readonly byte[][] prefixes;

    public CapabilityCondition(CapabilitySet set)
    {
        this.set = set;
        exact = Operand.Utf8(set.Exact);
        prefixes = Operand.Utf8(set.Prefixes);
    }

    public override string Text =>
        "capability_id is " + string.Join(" or ", set.Exact.Concat(set.Prefixes.Select(p => p + "*")));

    public override CapabilitySet? Capabilities => set;

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        var capability = evaluation.Capability;
        foreach (var prefix in prefixes)
        {
            if (capability.StartsWith(prefix))
            {
                return Truth.Yes;
            }
        }

        foreach (var name in exact)
        {
            if (capability.SequenceEqual(name))
            {
                return Truth.Yes;
            }
        }

        return Truth.No;
    }
}
