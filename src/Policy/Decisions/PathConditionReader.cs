using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>Compiles <c>{"path": ..., operator: operand, ...}</c>: every operator must hold for the value at the path.</summary>
internal sealed class PathConditionReader(RuleReadContext context)
{
    /// <summary>All operators.</summary>
    public static readonly HashSet<string> Operators =
    [
        "eq", "ne", "in", "not_in", "prefix", "suffix", "glob", "contains", "regex", "cidr",
        "lt", "le", "lte", "gt", "ge", "gte", "exists",
    ];

    private static readonly KnownNames OperatorNames = new(Operators);

    /// <summary>Null, with problems noted, where it cannot be compiled.</summary>
    public PathCondition? Read(JsonElement condition, JsonPlace at)
    {
        var text = condition.GetProperty("path");
        if (text.ValueKind != JsonValueKind.String || context.Paths.TryParse(text) is not { } path)
        {
            context.Refuse("bundle.rule.path", "A path is capability_id, or context followed by .name, [\"name\"], [0] or [*].", at.Member("path"));
            return null;
        }

        var tests = new List<ValueTest>(1);
        var operators = 0;
        foreach (var member in condition.EnumerateObject())
        {
            if (OperatorNames.Find(member) is not { } name)
            {
                continue;
            }

            operators++;
            if (ReadTest(name, member.Value, at) is { } test)
            {
                tests.Add(test);
            }
        }

        if (operators == 0)
        {
            context.Refuse("bundle.rule.operator_missing", "A path needs at least one operator beside it.", at);
        }

        return new PathCondition(path, tests.ToArray());
    }

    // The place is that of the whole condition: the operator's own is written only where it is refused.
    private ValueTest? ReadTest(string name, JsonElement given, JsonPlace at)
    {
        if (name is "eq" or "ne" && given.ValueKind == JsonValueKind.Object && given.TryGetProperty("path", out var other))
        {
            return ReadPathOperand(name, given, other, at);
        }

        if (!TryResolve(name, given, at, out var operand))
        {
            return null;
        }

        var literals = name is "eq" or "ne" or "in" or "not_in" or "contains" ? Literal.ReadAll(operand) : [];
        return name switch
        {
            "eq" or "ne" when literals.Length > 0 => new EqualityTest(name, operand, literals, wanted: name == "eq"),
            "in" or "not_in" when literals.Length > 0 && operand.ValueKind == JsonValueKind.Array => new EqualityTest(name, operand, literals, wanted: name == "in"),
            "contains" when literals.Length > 0 && !Array.Exists(literals, literal => literal.IsText && literal.Utf8.IsEmpty) => new ContainsTest(operand, literals),
            "lt" or "le" or "lte" or "gt" or "ge" or "gte" when operand.ValueKind == JsonValueKind.Number => new OrderTest(name, operand, ToOrder(name)),
            "exists" when operand.ValueKind is JsonValueKind.True or JsonValueKind.False => new ExistsTest(operand.ValueKind == JsonValueKind.True),
            "prefix" or "suffix" or "glob" or "regex" => ReadPatterns(name, operand, at),
            "cidr" => ReadNetworks(operand, at),
            _ => Refuse(name, at),
        };
    }

    private PathEqualityTest? ReadPathOperand(string name, JsonElement given, JsonElement path, JsonPlace at)
    {
        if (given.GetPropertyCount() == 1
            && path.ValueKind == JsonValueKind.String
            && context.Paths.TryParse(path) is { IsSinglePlace: true } other)
        {
            return new PathEqualityTest(name, other.Place!, wanted: name == "eq");
        }

        context.Refuse("bundle.rule.path", "A path as operand is {\"path\": ...} and leads to one place of the context, without [*].", at.Member(name));
        return null;
    }

    private TextTest? ReadPatterns(string name, JsonElement operand, JsonPlace at)
    {
        var texts = Operand.Texts(operand);
        var patterns = texts.Select(t => ReadPattern(name, t)).OfType<TextPattern>().ToArray();
        return patterns.Length == texts.Length && !texts.IsEmpty ? new TextTest(name, operand, patterns) : (TextTest?)Refuse(name, at);
    }

    private CidrTest? ReadNetworks(JsonElement operand, JsonPlace at)
    {
        var networks = Operand.Texts(operand).Select(TryNetwork).ToArray();
        return networks.Length > 0 && networks.All(n => n is not null)
            ? new CidrTest(operand, [.. networks.Select(n => n!.Value)])
            : (CidrTest?)Refuse("cidr", at);
    }

    private TextPattern? ReadPattern(string name, string text) => name switch
    {
        "prefix" => new PrefixPattern(text),
        "suffix" => new SuffixPattern(text),
        "glob" => text.Length <= GlobPattern.LengthMax ? new GlobPattern(text) : null,
        _ => FindRegex(text) is { } regex ? new RegexPattern(regex) : null,
    };

    private Regex? FindRegex(string pattern) =>
        context.Regexes.TryGetValue(pattern, out var known) ? known : context.Regexes[pattern] = SharedRegexes.Find(pattern);

    private static IPNetwork? TryNetwork(string text)
    {
        var slash = text.IndexOf('/');
        var written = slash < 0 ? text : text[..slash];
        if (!IPAddress.TryParse(written, out var address) || !IsPlain(address, written))
        {
            return null;
        }

        // The framework takes 10.0.0.1/8 for 10.0.0.0/8; whoever wrote that may have meant either.
        return slash < 0 ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
            : IPNetwork.TryParse(text, out var network) && network.BaseAddress.Equals(address) ? network
            : null;
    }

    // Requests are read like that too, and have no IPv4 address in IPv6: what is not written so would never match, or match another address
    // than was meant. The same goes for what the framework passes over: a port, brackets, a zone.
    private static bool IsPlain(IPAddress address, string written) => address.AddressFamily == AddressFamily.InterNetwork
        ? CidrTest.TryParseV4(Encoding.UTF8.GetBytes(written), out _)
        : !address.IsIPv4MappedToIPv6 && !written.AsSpan().ContainsAny('[', '%');

    private static Order ToOrder(string name) => name switch
    {
        "lt" => Order.Less,
        "le" or "lte" => Order.LessOrEqual,
        "gt" => Order.Greater,
        _ => Order.GreaterOrEqual,
    };

    private ValueTest? Refuse(string name, JsonPlace at)
    {
        var (code, message) = name switch
        {
            "eq" or "ne" => ("operand", "is a scalar or a list of scalars"),
            "in" or "not_in" => ("operand", "is a list of at least one scalar"),
            "contains" => ("operand", "is a scalar or a list of scalars, no text empty"),
            "prefix" or "suffix" => ("operand", "is a text or a list of texts, none empty"),
            "glob" => ("operand", $"is a text of 1 to {GlobPattern.LengthMax} characters or a list of such"),
            "exists" => ("operand", "is true or false"),
            "cidr" => ("cidr", "is a network such as 10.0.0.0/8 with no bits set behind the mask, an address, or a list of these; IPv4 addresses are four decimal numbers, without ::ffff: before them"),
            "regex" => ("regex", $"is a regular expression without look-around, back references, the option x and classes taken from classes, of at most {RegexCost.LengthMax} characters and {RegexCost.StatesMax} states"),
            _ => ("operand", "is a number"),
        };
        context.Refuse("bundle.rule." + code, $"The operand of {name} {message}.", at.Member(name));
        return null;
    }

    // {"data": "a.b"} stands for what the bundle's data has at a.b: one list, written once, for many rules.
    private bool TryResolve(string name, JsonElement operand, JsonPlace at, out JsonElement value)
    {
        value = operand;
        if (operand.ValueKind != JsonValueKind.Object)
        {
            return true;
        }

        value = context.Data;
        var reference = operand.GetPropertyCount() == 1 && operand.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.String
            ? data.GetString()!
            : "";
        foreach (var step in reference.Split('.'))
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(step, out value))
            {
                context.Refuse("bundle.rule.data", "An object as operand is {\"data\": \"name.name\"} and names what the bundle's data holds; eq and ne also take {\"path\": ...}.", at.Member(name));
                return false;
            }
        }

        return true;
    }
}
