using System.Globalization;
using System.Numerics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace OrleansPolicy.Yaml;

/// <summary>What a scalar means by the core schema (YAML 1.2.2, 10.3): its text is looked at only where it has no quotes.</summary>
internal static partial class CoreSchema
{
    // Longer ones hold nothing that a double tells apart, and cost time to read.
    private const int NumberLengthMax = 400;

    /// <summary>The value; null for null. Throws for what JSON cannot hold.</summary>
    public static JsonValue? Read(Scalar scalar)
    {
        var text = scalar.Value;
        if (scalar.Style != ScalarStyle.Plain)
        {
            return Text(scalar);
        }

        return text switch
        {
            "" or "~" or "null" or "Null" or "NULL" => null,
            "true" or "True" or "TRUE" => JsonValue.Create(true),
            "false" or "False" or "FALSE" => JsonValue.Create(false),
            _ when NoNumber().IsMatch(text) => throw new YamlRefusedException("yaml.number", scalar.Start, $"{text} is no number that JSON has; put it in quotes if it is text."),
            _ when IsNumber(text) && text.Length > NumberLengthMax => throw new YamlRefusedException("yaml.number", scalar.Start, $"a number has more than {NumberLengthMax} characters."),
            _ when Hexadecimal().IsMatch(text) => Number(BigInteger.Parse("0" + text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)),
            _ when Octal().IsMatch(text) => Number(text[2..].Aggregate(BigInteger.Zero, (sum, digit) => (sum * 8) + (digit - '0')).ToString(CultureInfo.InvariantCulture)),
            _ when Decimal().IsMatch(text) => Number(AsJson(text)),
            _ => Text(scalar),
        };
    }

    private static bool IsNumber(string text) => Hexadecimal().IsMatch(text) || Octal().IsMatch(text) || Decimal().IsMatch(text);

    // The digits as they were written: nothing is rounded here, and whoever reads the JSON judges whether a double can hold it.
    private static string AsJson(string text)
    {
        var match = Decimal().Match(text);
        var whole = match.Groups["whole"].Value.TrimStart('0');
        var fraction = match.Groups["fraction"].Value;
        return (match.Groups["sign"].Value == "-" ? "-" : "")
            + (whole.Length == 0 ? "0" : whole)
            + (fraction.Length == 0 ? "" : "." + fraction)
            + match.Groups["exponent"].Value;
    }

    private static JsonValue Number(string json) => (JsonValue)JsonNode.Parse(json)!;

    private static JsonValue Text(Scalar scalar)
    {
        for (var i = 0; i < scalar.Value.Length; i++)
        {
            if (char.IsSurrogate(scalar.Value[i]) && !(i + 1 < scalar.Value.Length && char.IsSurrogatePair(scalar.Value[i], scalar.Value[i + 1]) && i++ >= 0))
            {
                throw new YamlRefusedException("yaml.surrogate", scalar.Start, "a text holds half a character (a lone surrogate).");
            }
        }

        return JsonValue.Create(scalar.Value);
    }

    [GeneratedRegex(@"\A[-+]?\.(inf|Inf|INF)\z|\A\.(nan|NaN|NAN)\z", RegexOptions.CultureInvariant)]
    private static partial Regex NoNumber();

    [GeneratedRegex(@"\A0x[0-9a-fA-F]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"\A0o[0-7]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Octal();

    [GeneratedRegex(@"\A(?<sign>[-+]?)(?:(?<whole>[0-9]+)(?:\.(?<fraction>[0-9]*))?|\.(?<fraction>[0-9]+))(?<exponent>(?:[eE][-+]?[0-9]+)?)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Decimal();
}
