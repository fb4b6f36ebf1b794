using System.Text;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Something that a text in UTF-8 matches or not.</summary>
internal abstract class TextPattern
{
    public abstract Truth Check(ReadOnlySpan<byte> text, ref Evaluation evaluation);
}

/// <summary>Texts that begin with one.</summary>
internal sealed class PrefixPattern(string prefix) : TextPattern
{
    private readonly byte[] bytes = Encoding.UTF8.GetBytes(prefix);

    public override Truth Check(ReadOnlySpan<byte> text, ref Evaluation evaluation) => text.StartsWith(bytes) ? Truth.Yes : Truth.No;
}

/// <summary>Texts that end with one.</summary>
internal sealed class SuffixPattern(string suffix) : TextPattern
{
    private readonly byte[] bytes = Encoding.UTF8.GetBytes(suffix);

    public override Truth Check(ReadOnlySpan<byte> text, ref Evaluation evaluation) => text.EndsWith(bytes) ? Truth.Yes : Truth.No;
}
