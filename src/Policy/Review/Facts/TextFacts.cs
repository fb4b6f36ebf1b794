using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Facts;

/// <summary>Patterns that a text must match or must not match.</summary>
internal static class TextFacts
{
    /// <summary>Texts of which it must be one, where the facts say so.</summary>
    public static IEnumerable<string>? Finite(IEnumerable<Fact> facts) => facts
        .Where(f => f.Outcome == Truth.Yes).Select(PiecesOf)
        .FirstOrDefault(p => p is not null && p.All(piece => piece.Kind == TextPieceKind.Exact))?.Select(p => p.Text);

    public static bool AreImpossible(IReadOnlyCollection<Fact> facts)
    {
        var networks = facts.Where(f => f.Test is CidrTest).ToArray();
        if (networks.Any(f => f.Outcome == Truth.Error))
        {
            // Whether a text is an address at all hangs on no operand.
            return networks.Any(f => f.Outcome != Truth.Error);
        }

        if (networks.Length > 0 && NetworkFacts.AreImpossible([.. networks.Select(f => ((CidrTest)f.Test!, f.Outcome))]))
        {
            return true;
        }

        TextPiece[][] wanted = [[TextPiece.Any], .. Pieces(facts, Truth.Yes)];
        var unwanted = Pieces(facts, Truth.No).SelectMany(p => p).Concat(facts.Where(IsNotOne).SelectMany(f => Texts(((EqualityTest)f.Test!).Operand)).Select(TextPiece.Exact)).ToArray();
        return wanted.Any(one => one.All(piece =>
            unwanted.Any(no => no.Covers(piece)) || wanted.Any(other => other.All(piece.IsApartFrom))));
    }

    private static IEnumerable<TextPiece[]> Pieces(IEnumerable<Fact> facts, Truth outcome) =>
        facts.Where(f => f.Outcome == outcome).Select(PiecesOf).OfType<TextPiece[]>();

    private static bool IsNotOne(Fact fact) => fact.Test is EqualityTest equality && equality.Wanted != (fact.Outcome == Truth.Yes);

    private static TextPiece[]? PiecesOf(Fact fact) => fact switch
    {
        { Leaf: CapabilityCondition { Capabilities: { } set } } => [.. set.Exact.Select(TextPiece.Exact), .. set.Prefixes.Select(TextPiece.Prefix)],
        { Test: TextTest test } => [.. Texts(test.Operand).Select(t => test.Name switch
        {
            "prefix" => TextPiece.Prefix(t),
            "suffix" => TextPiece.Suffix(t),
            "glob" => TextPiece.Glob(t),
            _ => TextPiece.Regex(t),
        })],
        { Test: ContainsTest test } => [.. Texts(test.Operand).Select(TextPiece.Within)],
        _ => null,
    };

    private static IEnumerable<string> Texts(JsonElement operand) =>
        Operand.Members(operand).Where(m => m.ValueKind == JsonValueKind.String).Select(m => m.GetString()!);
}
