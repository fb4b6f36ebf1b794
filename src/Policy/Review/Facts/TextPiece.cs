namespace OrleansPolicy.Review.Facts;

/// <summary>Texts that match one pattern: a text itself, all that begin or end with one or have it within, or something else.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Text">The text; the pattern where it is something else.</param>
/// <param name="Head">What they all begin with.</param>
/// <param name="Tail">What they all end with.</param>
internal sealed record TextPiece(TextPieceKind Kind, string Text, string Head, string Tail)
{
    /// <summary>Every text.</summary>
    public static readonly TextPiece Any = Prefix("");

    public static TextPiece Exact(string text) => new(TextPieceKind.Exact, text, text, text);

    public static TextPiece Prefix(string text) => new(TextPieceKind.Prefix, text, text, "");

    public static TextPiece Suffix(string text) => new(TextPieceKind.Suffix, text, "", text);

    public static TextPiece Within(string text) => new(TextPieceKind.Within, text, "", "");

    public static TextPiece Regex(string pattern) => new(TextPieceKind.Regex, pattern, "", "");

    public static TextPiece Glob(string glob)
    {
        var inner = glob.Trim('*');
        var (isOpenBefore, isOpenBehind) = (glob.StartsWith('*'), glob.EndsWith('*'));
        return inner.AsSpan().ContainsAny('*', '?') ? new(TextPieceKind.Glob, glob, glob[..glob.AsSpan().IndexOfAny('*', '?')], glob[(glob.AsSpan().LastIndexOfAny('*', '?') + 1)..])
            : isOpenBefore && isOpenBehind ? (inner.Length == 0 ? Any : Within(inner))
            : isOpenBehind ? Prefix(inner)
            : isOpenBefore ? Suffix(inner)
            : Exact(inner);
    }

    /// <summary>Whether every text of the other is one of these.</summary>
    public bool Covers(TextPiece other) => Kind switch
    {
        TextPieceKind.Exact => other.Kind == TextPieceKind.Exact && other.Text == Text,
        TextPieceKind.Prefix => other.Head.StartsWith(Text, StringComparison.Ordinal),
        TextPieceKind.Suffix => other.Tail.EndsWith(Text, StringComparison.Ordinal),
        TextPieceKind.Within => other.Head.Contains(Text, StringComparison.Ordinal)
            || other.Tail.Contains(Text, StringComparison.Ordinal)
            || (other.Kind == TextPieceKind.Within && other.Text.Contains(Text, StringComparison.Ordinal)),
        _ => other.Kind == Kind && other.Text == Text,
    };

    /// <summary>Whether no text is of both.</summary>
    public bool IsApartFrom(TextPiece other) =>
        (!other.Head.StartsWith(Head, StringComparison.Ordinal) && (other.Kind == TextPieceKind.Exact || !Head.StartsWith(other.Head, StringComparison.Ordinal)))
        || (!Head.StartsWith(other.Head, StringComparison.Ordinal) && Kind == TextPieceKind.Exact)
        || (!other.Tail.EndsWith(Tail, StringComparison.Ordinal) && (other.Kind == TextPieceKind.Exact || !Tail.EndsWith(other.Tail, StringComparison.Ordinal)))
        || (!Tail.EndsWith(other.Tail, StringComparison.Ordinal) && Kind == TextPieceKind.Exact);
}

/// <summary>What a <see cref="TextPiece"/> is.</summary>
internal enum TextPieceKind
{
    Exact,
    Prefix,
    Suffix,
    Within,
    Glob,
    Regex,
}
