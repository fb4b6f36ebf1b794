using System.Globalization;

namespace Orleans.Runtime;

/// <summary>Keys that are integers (upper-case hexadecimal) or GUIDs (32 digits), each with an optional extension after a plus sign.</summary>
public static class GrainIdKeyExtensions
{
    public static IdSpan CreateIntegerKey(long key) => IdSpan.Create(key.ToString("X", CultureInfo.InvariantCulture));

    public static IdSpan CreateGuidKey(Guid key) => IdSpan.Create(key.ToString("N"));

    public static bool TryGetIntegerKey(this GrainId grainId, out long key, out string? keyExt)
    {
        var text = grainId.Key.ToString();
        var plus = text.IndexOf('+', StringComparison.Ordinal);
        keyExt = plus < 0 ? null : text[(plus + 1)..];
        var digits = plus < 0 ? text.AsSpan() : text.AsSpan(0, plus);
        return long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out key);
    }

    public static bool TryGetGuidKey(this GrainId grainId, out Guid key, out string? keyExt)
    {
        var text = grainId.Key.ToString();
        keyExt = null;
        if (text.Length > 32 && text[32] == '+')
        {
            keyExt = text[33..];
            text = text[..32];
        }

        return Guid.TryParseExact(text, "N", out key);
    }

    public static long GetIntegerKey(this GrainId grainId) =>
        grainId.TryGetIntegerKey(out var key, out _) ? key : throw new ArgumentException($"{grainId} has no integer key.", nameof(grainId));

    public static Guid GetGuidKey(this GrainId grainId) =>
        grainId.TryGetGuidKey(out var key, out _) ? key : throw new ArgumentException($"{grainId} has no GUID key.", nameof(grainId));
}
