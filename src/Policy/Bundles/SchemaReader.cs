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

    private readonly Dictionary<string, SchemaNode> byReference = new(StringComparer.Ordinal);
    private readonly List<(SchemaNode Node, string Reference, string Path)> unresolved = [];

    /// <summary>The outermost schema with its definitions.</summary>
    public SchemaNode ReadRoot(JsonElement schema, string path)
    {
        var root = Read(schema, path);
        byReference["#"] = root;
        if (schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("$defs", out var definitions))
        {
            foreach (var member in MembersOf(definitions, path + "[\"$defs\"]"))
            {
                byReference["#/$defs/" + member.Name] = Read(member.Value, path + "[\"$defs\"]" + JsonPath.Member(member.Name));
            }
        }

        foreach (var (node, reference, at) in unresolved)
        {
            node.Reference = byReference.GetValueOrDefault(reference);
            if (node.Reference is null)
            {
                problems.Add("bundle.schema_ref", "A $ref is # or #/$defs/NAME of a definition of the outermost schema.", at);
            }
        }

        foreach (var (_, _, at) in unresolved.Where(u => ReachesItself(u.Node)))
        {
            problems.Add("bundle.schema_ref", "This $ref leads back to itself without entering the document.", at);
        }

        return root;
    }

    private SchemaNode Read(JsonElement schema, string path)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return new SchemaNode { IsNever = schema.ValueKind == JsonValueKind.False };
        }

        var node = new SchemaNode();
        foreach (var member in MembersOf(schema, path))
        {
            ReadKeyword(node, member.Name, member.Value, path + JsonPath.Member(member.Name), path == "$.schema");
        }

        return node;
    }

    private void ReadKeyword(SchemaNode node, string name, JsonElement value, string path, bool isRoot)
    {
        switch (name)
        {
            case "type":
                node.Types = ReadTexts(value, path);
                foreach (var unknown in node.Types.Where(t => !TypeNames.Contains(t)))
                {
                    problems.Add("bundle.schema", $"There is no type {unknown}.", path);
                }

                break;
            case "enum":
                node.Enum = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : Refuse<JsonElement>("a list", path);
                break;
            case "const":
                node.Enum = [value];
                break;
            case "properties":
                node.Properties = MembersOf(value, path).ToDictionary(m => m.Name, m => Read(m.Value, path + JsonPath.Member(m.Name)), StringComparer.Ordinal);
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
                    problems.Add("bundle.schema_unsupported", $"The keyword {name} is not supported here.", path);
                }

                break;
        }
    }

    private void ReadPattern(SchemaNode node, JsonElement value, string path)
    {
        node.Pattern = value.ValueKind == JsonValueKind.String ? SharedRegexes.Find(value.GetString()!) : null;
        if (node.Pattern is null)
        {
            problems.Add("bundle.schema", "A pattern is a regular expression without look-around and back references.", path);
        }
    }

    private void ReadBound(SchemaNode node, string name, JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            problems.Add("bundle.schema", $"{name} is a number.", path);
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

    private void ReadCount(SchemaNode node, string name, JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var count) || count < 0)
        {
            problems.Add("bundle.schema", $"{name} is a whole number, not negative.", path);
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

    private ImmutableArray<SchemaNode> ReadSeveral(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0
            ? [.. value.EnumerateArray().Select((schema, i) => Read(schema, $"{path}[{i}]"))]
            : Refuse<SchemaNode>("a list of schemas", path);

    private ImmutableArray<string> ReadTexts(JsonElement value, string path)
    {
        var members = Operand.Members(value);
        return members.All(m => m.ValueKind == JsonValueKind.String)
            ? [.. members.Select(m => m.GetString()!)]
            : Refuse<string>("a text or a list of texts", path);
    }

    private JsonElement.ObjectEnumerator MembersOf(JsonElement value, string path)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            return value.EnumerateObject();
        }

        problems.Add("bundle.schema", "This is an object.", path);
        return default; // Enumerates nothing.
    }

    private ImmutableArray<T> Refuse<T>(string what, string path)
    {
        problems.Add("bundle.schema", $"This is {what}.", path);
        return [];
    }

    private static bool ReachesItself(SchemaNode start)
    {
        var seen = new HashSet<SchemaNode>();
        var next = new Stack<SchemaNode>(start.InPlace);
        while (next.TryPop(out var node))
        {
            if (node == start)
            {
                return true;
            }

            if (seen.Add(node))
            {
                foreach (var inner in node.InPlace)
                {
                    next.Push(inner);
                }
            }
        }

        return false;
    }
}
