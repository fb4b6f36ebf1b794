using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Bundles;

/// <summary>
/// Reads a schema. A keyword that is not supported is refused: to pass over it would call documents valid that its author meant
/// to keep out.
/// </summary>
internal sealed class SchemaReader(ProblemList problems)
{
    private static readonly HashSet<string> Annotations =
        ["$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];

    private static readonly HashSet<string> TypeNames = ["null", "boolean", "object", "array", "number", "integer", "string"];

    // What is missing is named in as many problems as places lack it.
    private const int NameLengthMax = 1_000;

    private readonly Dictionary<string, SchemaNode> byReference = new(StringComparer.Ordinal);
    private readonly List<SchemaNode> nodes = [];
    private readonly List<(SchemaNode Node, string Reference, JsonPlace Path)> unresolved = [];

    /// <summary>The outermost schema with its definitions.</summary>
    public SchemaNode ReadRoot(JsonElement schema, JsonPlace path)
    {
        var root = Read(schema, path, isRoot: true);
        byReference["#"] = root;
        if (schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("$defs", out var definitions))
        {
            var definitionsPath = path.Member("$defs");
            foreach (var member in MembersOf(definitions, definitionsPath))
            {
                byReference["#/$defs/" + member.Name] = Read(member.Value, definitionsPath.Member(member.Name));
            }
        }

        foreach (var (node, reference, at) in unresolved)
        {
            node.Reference = byReference.GetValueOrDefault(reference);
            if (node.Reference is null)
            {
                Refuse("bundle.schema_ref", "A $ref is # or #/$defs/NAME of a definition of the outermost schema.", at);
            }
        }

        var closing = FindCircles();
        foreach (var (_, _, at) in unresolved.Where(u => closing.Contains(u.Node)))
        {
            Refuse("bundle.schema_ref", "This $ref leads back to itself without entering the document.", at);
        }

        return root;
    }

    private SchemaNode Read(JsonElement schema, JsonPlace path, bool isRoot = false)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return new SchemaNode { IsNever = schema.ValueKind == JsonValueKind.False };
        }

        var node = new SchemaNode();
        nodes.Add(node);
        foreach (var member in MembersOf(schema, path))
        {
            ReadKeyword(node, member.Name, member.Value, path.Member(member.Name), isRoot);
        }

        return node;
    }

    private void ReadKeyword(SchemaNode node, string name, JsonElement value, JsonPlace path, bool isRoot)
    {
        switch (name)
        {
            case "type":
                node.Types = [.. ReadTexts(value, path).Distinct()];
                foreach (var unknown in node.Types.Where(t => !TypeNames.Contains(t)))
                {
                    Refuse("bundle.schema", $"There is no type {unknown}.", path);
                }

                break;
            case "enum":
                node.Enum = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : Refuse<JsonElement>("a list", path);
                break;
            case "const":
                node.Enum = [value];
                break;
            case "properties":
                node.Properties = MembersOf(value, path).ToDictionary(m => m.Name, m => Read(m.Value, path.Member(m.Name)), StringComparer.Ordinal);
                break;
            case "required":
                node.Required = ReadTexts(value, path);
                break;
            case "additionalProperties":
                node.AdditionalProperties = Read(value, path);
                break;
            case "items":
                node.Items = Read(value, path);
                break;
            case "not":
                node.Not = Read(value, path);
                break;
            case "allOf":
                node.AllOf = ReadSeveral(value, path);
                break;
            case "anyOf":
                node.AnyOf = ReadSeveral(value, path);
                break;
            case "oneOf":
                node.OneOf = ReadSeveral(value, path);
                break;
            case "$ref":
                unresolved.Add((node, value.ValueKind == JsonValueKind.String ? value.GetString()! : "", path));
                break;
            case "$defs" when isRoot:
                break;
            case "pattern":
                ReadPattern(node, value, path);
                break;
            case "uniqueItems":
                node.UniqueItems = value.ValueKind == JsonValueKind.True;
                break;
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum":
                ReadBound(node, name, value, path);
                break;
            case "minLength" or "maxLength" or "minItems" or "maxItems":
                ReadCount(node, name, value, path);
                break;
            default:
                if (!Annotations.Contains(name) || (name == "$id" && !isRoot))
                {
                    Refuse("bundle.schema_unsupported", $"The keyword {name} is not supported here.", path);
                }

                break;
        }
    }

    private void ReadPattern(SchemaNode node, JsonElement value, JsonPlace path)
    {
        node.Pattern = value.ValueKind == JsonValueKind.String ? SharedRegexes.Find(value.GetString()!) : null;
        if (node.Pattern is null)
        {
            Refuse("bundle.schema", "A pattern is a regular expression of those that rules may have.", path);
        }
    }

    private void ReadBound(SchemaNode node, string name, JsonElement value, JsonPlace path)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            Refuse("bundle.schema", $"{name} is a number.", path);
            return;
        }

        var bound = value.GetDouble();
        _ = name switch
        {
            "minimum" => node.Minimum = bound,
            "maximum" => node.Maximum = bound,
            "exclusiveMinimum" => node.ExclusiveMinimum = bound,
            _ => node.ExclusiveMaximum = bound,
        };
    }

    private void ReadCount(SchemaNode node, string name, JsonElement value, JsonPlace path)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var count) || count < 0)
        {
            Refuse("bundle.schema", $"{name} is a whole number, not negative.", path);
            return;
        }

        _ = name switch
        {
            "minLength" => node.MinLength = count,
            "maxLength" => node.MaxLength = count,
            "minItems" => node.MinItems = count,
            _ => node.MaxItems = count,
        };
    }

    private ImmutableArray<SchemaNode> ReadSeveral(JsonElement value, JsonPlace path) =>
        value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0
            ? [.. value.EnumerateArray().Select((schema, i) => Read(schema, path.Item(i)))]
            : Refuse<SchemaNode>("a list of schemas", path);

    private ImmutableArray<string> ReadTexts(JsonElement value, JsonPlace path)
    {
        var members = Operand.Members(value);
        return members.All(m => m.ValueKind == JsonValueKind.String && m.GetString()!.Length <= NameLengthMax)
            ? [.. members.Select(m => m.GetString()!)]
            : Refuse<string>($"a text or a list of texts, of at most {NameLengthMax} characters each", path);
    }

    private JsonElement.ObjectEnumerator MembersOf(JsonElement value, JsonPlace path)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            return value.EnumerateObject();
        }

        Refuse("bundle.schema", "This is an object.", path);
        return default; // Enumerates nothing.
    }

    private ImmutableArray<T> Refuse<T>(string what, JsonPlace path)
    {
        Refuse("bundle.schema", $"This is {what}.", path);
        return [];
    }

    private void Refuse(string code, string message, JsonPlace path) => problems.Add(code, message, path.ToString());

    // The schemas whose references close a circle that never enters the document. One walk over all of them, in the order they were read, so that
    // a schema is come to from the one around it or by a reference; where it leads through is a list of its own, as it may be as long as the schema.
    private HashSet<SchemaNode> FindCircles()
    {
        var closing = new HashSet<SchemaNode>();
        var isOnWay = new Dictionary<SchemaNode, bool>(); // Those seen: true while the walk leads through them.
        var way = new Stack<(SchemaNode Node, IEnumerator<SchemaNode> Inner)>();
        foreach (var start in nodes.Where(n => !isOnWay.ContainsKey(n)))
        {
            Enter(start);
            while (way.TryPeek(out var step))
            {
                if (!step.Inner.MoveNext())
                {
                    isOnWay[way.Pop().Node] = false;
                }
                else if (!isOnWay.TryGetValue(step.Inner.Current, out var isCircle))
                {
                    Enter(step.Inner.Current);
                }
                else if (isCircle)
                {
                    closing.Add(step.Node);
                }
            }
        }

        return closing;

        void Enter(SchemaNode node)
        {
            isOnWay[node] = true;
            way.Push((node, node.InPlace.GetEnumerator()));
        }
    }
}
