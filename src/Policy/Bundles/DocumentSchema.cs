using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Bundles;

/// <summary>
/// What a document bundle's <c>schema</c> demands of its <c>document</c>: a subset of JSON Schema (draft 2020-12). Supported are
/// type, enum, const, properties, required, additionalProperties, items, minimum, maximum, exclusiveMinimum, exclusiveMaximum,
/// minLength, maxLength, pattern, minItems, maxItems, uniqueItems, allOf, anyOf, oneOf, not and $ref to # or #/$defs/NAME;
/// annotations are passed over and every other keyword is refused.
/// </summary>
internal sealed class DocumentSchema
{
    /// <summary>How many schemas may be held against places of the document; references can multiply without end.</summary>
    public const int StepsMax = 2_000_000;

    private readonly SchemaNode root;
    private int steps;

    private DocumentSchema(SchemaNode root) => this.root = root;

    /// <summary>Fails with <c>bundle.schema</c>, <c>bundle.schema_unsupported</c>, <c>bundle.schema_ref</c>.</summary>
    public static Outcome<DocumentSchema> Compile(JsonElement schema, string path = "$.schema")
    {
        var problems = new ProblemList();
        var root = new SchemaReader(problems).ReadRoot(schema, path);
        return problems.Count == 0
            ? Outcome<DocumentSchema>.Ok(new DocumentSchema(root))
            : Outcome<DocumentSchema>.Fail(problems.ToImmutable());
    }

    /// <summary>Everything in the document that breaks the schema (<c>bundle.document.schema</c>), or <c>bundle.schema_cost</c>.</summary>
    public ImmutableArray<Problem> Validate(JsonElement document, string path = "$.document")
    {
        steps = 0;
        var problems = new ProblemList();
        Check(root, document, path, problems);
        if (steps > StepsMax)
        {
            problems.Add("bundle.schema_cost", $"Validating takes more than {StepsMax} steps.", "$.schema");
        }

        return problems.ToImmutable();
    }

    private bool IsValid(SchemaNode node, JsonElement value)
    {
        var problems = new ProblemList();
        Check(node, value, "", problems);
        return problems.Count == 0;
    }

    private void Check(SchemaNode node, JsonElement value, string path, ProblemList problems)
    {
        if (++steps > StepsMax)
        {
            return;
        }

        if (node.IsNever)
        {
            Refuse("Nothing is allowed here.", path, problems);
        }

        if (!node.Types.IsEmpty && !node.Types.Any(t => IsOfType(value, t)))
        {
            Refuse("This must be of type " + string.Join(" or ", node.Types) + ".", path, problems);
        }

        if (node.Enum is { } allowed && !allowed.Any(a => JsonElement.DeepEquals(a, value)))
        {
            Refuse("This must be one of " + string.Join(", ", allowed.Select(a => a.GetRawText())) + ".", path, problems);
        }

        CheckCombinations(node, value, path, problems);
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                CheckObject(node, value, path, problems);
                break;
            case JsonValueKind.Array:
                CheckArray(node, value, path, problems);
                break;
            case JsonValueKind.String:
                CheckText(node, value.GetString()!, path, problems);
                break;
            case JsonValueKind.Number:
                CheckNumber(node, value.GetDouble(), path, problems);
                break;
            default:
                break;
        }
    }

    private void CheckCombinations(SchemaNode node, JsonElement value, string path, ProblemList problems)
    {
        foreach (var schema in node.Reference is null ? node.AllOf : node.AllOf.Add(node.Reference))
        {
            Check(schema, value, path, problems);
        }

        if (!node.AnyOf.IsEmpty && !node.AnyOf.Any(s => IsValid(s, value)))
        {
            Refuse("This must satisfy at least one of the schemas of anyOf.", path, problems);
        }

        if (!node.OneOf.IsEmpty && node.OneOf.Count(s => IsValid(s, value)) != 1)
        {
            Refuse("This must satisfy exactly one of the schemas of oneOf.", path, problems);
        }

        if (node.Not is not null && IsValid(node.Not, value))
        {
            Refuse("This must not satisfy the schema of not.", path, problems);
        }
    }

    private void CheckObject(SchemaNode node, JsonElement value, string path, ProblemList problems)
    {
        foreach (var name in node.Required.Where(n => !value.TryGetProperty(n, out _)))
        {
            Refuse($"{name} is missing.", path + JsonPath.Member(name), problems);
        }

        foreach (var member in value.EnumerateObject())
        {
            if ((node.Properties.GetValueOrDefault(member.Name) ?? node.AdditionalProperties) is { } schema)
            {
                Check(schema, member.Value, path + JsonPath.Member(member.Name), problems);
            }
        }
    }

    private void CheckArray(SchemaNode node, JsonElement value, string path, ProblemList problems)
    {
        var count = value.GetArrayLength();
        if (count < node.MinItems || count > node.MaxItems)
        {
            Refuse($"A list of {count} is too short or too long here.", path, problems);
        }

        if (node.UniqueItems && value.EnumerateArray().DistinctBy(Canonical).Count() < count)
        {
            Refuse("The members must differ.", path, problems);
        }

        for (var i = 0; node.Items is not null && i < count; i++)
        {
            Check(node.Items, value[i], $"{path}[{i}]", problems);
        }
    }

    private static void CheckText(SchemaNode node, string value, string path, ProblemList problems)
    {
        var length = value.EnumerateRunes().LongCount();
        if (length < node.MinLength || length > node.MaxLength)
        {
            Refuse($"A text of {length} characters is too short or too long here.", path, problems);
        }

        if (node.Pattern is not null && !node.Pattern.IsMatch(value))
        {
            Refuse($"This must match {node.Pattern}.", path, problems);
        }
    }

    private static void CheckNumber(SchemaNode node, double value, string path, ProblemList problems)
    {
        if (value < node.Minimum || value > node.Maximum || value <= node.ExclusiveMinimum || value >= node.ExclusiveMaximum)
        {
            Refuse("The number is out of bounds.", path, problems);
        }
    }

    private static bool IsOfType(JsonElement value, string type) => value.ValueKind switch
    {
        JsonValueKind.Object => type == "object",
        JsonValueKind.Array => type == "array",
        JsonValueKind.String => type == "string",
        JsonValueKind.Number => type == "number" || (type == "integer" && double.IsInteger(value.GetDouble())),
        JsonValueKind.Null => type == "null",
        _ => type == "boolean",
    };

    private static string Canonical(JsonElement value) => Encoding.UTF8.GetString(CanonicalJson.Canonicalize(JsonMarshal.GetRawUtf8Value(value)));

    private static void Refuse(string message, string path, ProblemList problems) => problems.Add("bundle.document.schema", message, path);
}
