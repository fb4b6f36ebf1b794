using System.Globalization;
using System.Text;

namespace OrleansPolicy.Policy.Tests.Decisions;

/// <summary>Rules and contexts that meet: the same few names and values, written in every way that JSON has.</summary>
internal sealed class RandomRequest(Random random)
{
    /// <summary>Short and long, alike at both ends, and what unison's rules look at.</summary>
    public static readonly string[] Names =
    [
        "a", "bc", "b", "def", "deg", "four", "eightish", "eightist", "feature_001_on", "feature_002_on", "long_and_alike_a_long_and_alike", "long_and_alike_b_long_and_alike", "é", "x-env", "a\\b", "\u0001\ud83d\ude00",
        "action_envelope", "risk_level", "target", "device_class", "policy_context", "scopes", "auth_scope", "person", "id", "person_id", "safety_context", "data_classification",
    ];

    private static readonly string[] Texts = ["", "a", "ab", "low", "high", "a\"b\\c", "é\n", "a/b // [x] {y}", "*/", "x.y", "x", new string('l', 40), new string('l', 40) + "\""];

    private static readonly string[] Numbers =
    [
        "0", "-0", "1", "1.0", "1e0", "10E-1", "-1.50", "-1.5", "0.1", "0.10", "100", "1e2", "1E+2", "12345678901234568", "0.000001", "1e-6",
    ];

    // No bundle may have these: they are other numbers once they are read as doubles.
    private static readonly string[] InexactNumbers = ["12345678901234567", "1.2345678901234567e16", "123456789012345678901234567890", "1e400", "-1e-400"];

    private static readonly string[] Operators = ["eq", "ne", "in", "not_in", "contains", "prefix", "suffix", "gt", "lte", "exists"];

    private static readonly string[] UnisonKeys = ["auth_scope", "policy_context.scopes", "safety_context", "action_envelope.risk_level", "target", "persons"];

    /// <summary>A list of one to six rules.</summary>
    public string Rules() =>
        "[" + string.Join(',', Enumerable.Range(0, 1 + random.Next(6)).Select(i => $$"""{"id":"r{{i}}","match":{{Match(2)}}}""")) + "]";

    /// <summary>An object with more or less in it.</summary>
    /// <param name="isLenient">Whether there may be comments, and commas before closing brackets.</param>
    public string Context(bool isLenient) => Object(4, isLenient);

    private string Match(int depth) => random.Next(depth > 0 ? 8 : 5) switch
    {
        < 4 => $$"""{"path":{{Quoted(Path(mayBeMany: true))}},{{Operator()}}}""",
        4 => "{" + UnisonKey() + "}",
        5 => $$"""{"all":[{{Match(depth - 1)}},{{Match(depth - 1)}}]}""",
        6 => $$"""{"any":[{{Match(depth - 1)}},{{Match(depth - 1)}}]}""",
        _ => $$"""{"not":{{Match(depth - 1)}}}""",
    };

    private string Path(bool mayBeMany)
    {
        var path = new StringBuilder("context");
        for (var steps = random.Next(1, 4); steps > 0; steps--)
        {
            var name = Pick(Names);
            path.Append(random.Next(mayBeMany ? 10 : 9) switch
            {
                < 6 when !name.AsSpan().ContainsAny("\\ ") => "." + name,
                < 8 => $"[\"{name}\"]",
                8 => string.Create(CultureInfo.InvariantCulture, $"[{random.Next(3)}]"),
                _ => "[*]",
            });
        }

        return path.ToString();
    }

    private string Operator() => Pick(Operators) switch
    {
        "exists" => $"\"exists\":{(random.Next(2) == 0 ? "true" : "false")}",
        "eq" when random.Next(3) == 0 => $$"""{{(random.Next(2) == 0 ? "\"eq\"" : "\"ne\"")}}:{"path":{{Quoted(Path(mayBeMany: false))}}}""",
        ("gt" or "lte") and var name => $"\"{name}\":{Pick(Numbers)}",
        ("prefix" or "suffix") and var name => $"\"{name}\":{Quoted(Pick(Texts[1..]))}",
        "contains" => "\"contains\":" + List(() => random.Next(2) == 0 ? Quoted(Pick(Texts[1..])) : Pick(Numbers)),
        ("in" or "not_in") and var name => $"\"{name}\":{List(RuleScalar)}",
        var name => $"\"{name}\":{(random.Next(3) == 0 ? List(RuleScalar) : RuleScalar())}",
    };

    private string UnisonKey()
    {
        var operand = random.Next(2) == 0 ? Quoted(Pick(Texts[1..])) : List(() => Quoted(Pick(Texts[1..])));
        return Pick(UnisonKeys) switch
        {
            "safety_context" => $$"""
                "safety_context":{"data_classification":{{operand}}}
                """,
            "target" => $$"""
                "target":{"device_class":{{operand}}}
                """,
            "persons" => $"\"persons\":{List(() => random.Next(4) == 0 ? "\"unknown\"" : RuleScalar())}",
            var key => $"\"{key}\":{operand}",
        };
    }

    private string Value(int depth, bool isLenient) => random.Next(depth > 0 ? 8 : 5) switch
    {
        < 5 => Scalar(random.Next(3) == 0 ? InexactNumbers : Numbers),
        5 => Nest('[', ']', random.Next(4), isLenient, () => Value(depth - 1, isLenient)),
        _ => Object(depth - 1, isLenient),
    };

    private string Object(int depth, bool isLenient) =>
        Nest('{', '}', random.Next(7), isLenient, () => Written(Pick(Names)) + Blank(isLenient: false) + ":" + Blank(isLenient) + Value(depth, isLenient));

    private string Nest(char opening, char closing, int count, bool isLenient, Func<string> part)
    {
        var text = new StringBuilder().Append(opening).Append(Blank(isLenient));
        for (var i = 0; i < count; i++)
        {
            text.Append(i > 0 ? "," : "").Append(Blank(isLenient)).Append(part()).Append(Blank(isLenient));
        }

        return text.Append(isLenient && count > 0 && random.Next(4) == 0 ? "," : "").Append(Blank(isLenient)).Append(closing).ToString();
    }

    private string RuleScalar() => Scalar(Numbers);

    private string Scalar(string[] numbers) => random.Next(8) switch { < 3 => Written(Pick(Texts)), < 6 => Pick(numbers), 6 => "null", _ => random.Next(2) == 0 ? "true" : "false" };

    private string List(Func<string> item) => "[" + string.Join(", ", Enumerable.Range(0, 1 + random.Next(3)).Select(_ => item())) + "]";

    private string Blank(bool isLenient) => random.Next(isLenient ? 12 : 10) switch
    {
        0 => " ",
        1 => "\n\t ",
        10 => "/* \" ] } */",
        11 => " // { [ \"\n",
        _ => "",
    };

    // With escapes where it must have them, and sometimes where it need not.
    private string Written(string text)
    {
        var isEscaped = random.Next(4) == 0;
        var written = new StringBuilder("\"");
        foreach (var c in text)
        {
            written.Append(c switch
            {
                '"' or '\\' => "\\" + c,
                < ' ' => $"\\u{(int)c:x4}",
                _ when isEscaped && (char.IsSurrogate(c) || random.Next(2) == 0) => $"\\u{(int)c:X4}",
                _ => c,
            });
        }

        return written.Append('"').ToString();
    }

    private static string Quoted(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\u0001", "\\u0001", StringComparison.Ordinal) + "\"";

    private string Pick(string[] all) => all[random.Next(all.Length)];
}
