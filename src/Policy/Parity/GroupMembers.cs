using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Parity;

/// <summary>A parity group as its fleet knows it.</summary>
/// <param name="First">Any of its members.</param>
/// <param name="Words">What each member said of the directive in force, those that left a moment ago and may still serve included.</param>
public sealed record GroupMembers(NodeRecord First, ImmutableArray<MemberWord> Words);

/// <summary>A member's word about the directive in force.</summary>
/// <param name="Prepared">It has what the group is to run, verified and compiled.</param>
/// <param name="Quiet">It serves nothing, and will not before it hears that the switch is committed.</param>
/// <param name="Gone">It is certain to have stopped serving without saying so (fenced), and is not waited for.</param>
public readonly record struct MemberWord(bool Prepared, bool Quiet, bool Gone);
