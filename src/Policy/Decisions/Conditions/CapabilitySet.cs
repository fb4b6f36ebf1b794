using System.Collections.Immutable;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Capabilities as the index needs them: exact ones and all that begin with a prefix.</summary>
internal sealed record CapabilitySet(ImmutableArray<string> Exact, ImmutableArray<string> Prefixes)
{
    public string Text => "capability_id is " + string.Join(" or ", Exact.Concat(Prefixes.Select(p => p + "*")));
}
