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

    /// <summary>Through how many schemas within each other the way to a place of the document may lead: each takes of the stack.</summary>
    public const int DepthMax = 512;

    private const int BytesPerStep = 1_024;

    private readonly SchemaNode root;
    private long steps;

    private DocumentSchema(SchemaNode root) => this.root = root;

    /// <summary>Fails with <c>bundle.schema</c>, <c>bundle.schema_unsupported</c>, <c>bundle.schema_ref</c>.</summary>
    public static Outcome<DocumentSchema> Compile(JsonElement schema)
    {
        var problems = new ProblemList();
        var root = new SchemaReader(problems).ReadRoot(schema, JsonPlace.Root.Member("schema"));
        return problems.Count == 0
            ? Outcome<DocumentSchema>.Ok(new DocumentSchema(root))
            : Outcome<DocumentSchema>.Fail(problems.ToImmutable());
    }

    /// <summary>Everything in the document that breaks the schema (<c>bundle.document.schema</c>), or <c>bundle.schema_cost</c>.</summary>
    public ImmutableArray<Problem> Validate(JsonElement document)
    {
        steps = 0;
        var problems = new ProblemList();
        Check(root, document, JsonPlace.Root.Member("document"), 1, problems);
        if (steps > StepsMax)
        {
            problems.Add("bundle.schema_cost", $"Validating takes more than {StepsMax} steps, or leads through more than {DepthMax} schemas within each other.", "$.schema");
        }

        return problems.ToImmutable();
    }

    private bool IsValid(SchemaNode node, JsonElement value, int depth)
    {
        var problems = new ProblemList();
        Check(node, value, JsonPlace.Root, depth, problems);
        return problems.Count == 0;
    }

    private void Check(SchemaNode node, JsonElement value, JsonPlace path, int depth, ProblemList problems)
    {
        if (depth > DepthMax)
        {
            steps = StepsMax; // All else ends too.
        }

        steps += Cost(node, value);
        if (steps > StepsMax)
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
            Refuse("This must be one of " + node.EnumText + ".", path, problems);
        }

        CheckCombinations(node, value, path, depth, problems);
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                CheckObject(node, value, path, depth, problems);
                break;
            case JsonValueKind.Array:
                CheckArray(node, value, path, depth, problems);
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

    // One for the look itself, and more for a long value: many schemas may look at the same one, and whatever must be in it or may be it is held
    // against all of it.
    private static long Cost(SchemaNode node, JsonElement value) =>
        1 + (JsonMarshal.GetRawUtf8Value(value).Length * (1L + node.Required.Length + (node.Enum?.Length ?? 0)) / BytesPerStep);

    private void CheckCombinations(SchemaNode node, JsonElement value, JsonPlace path, int depth, ProblemList problems)
    {
        foreach (var schema in node.Reference is null ? node.AllOf : node.AllOf.Add(node.Reference))
        {
            Check(schema, value, path, depth + 1, problems);
        }

        if (!node.AnyOf.IsEmpty && !node.AnyOf.Any(s => IsValid(s, value, depth + 1)))
        {
            Refuse("This must satisfy at least one of the schemas of anyOf.", path, problems);
        }

        if (!node.OneOf.IsEmpty && node.OneOf.Count(s => IsValid(s, value, depth + 1)) != 1)
        {
            Refuse("This must satisfy exactly one of the schemas of oneOf.", path, problems);
        }

        if (node.Not is not null && IsValid(node.Not, value, depth + 1))
        {
            Refuse("This must not satisfy the schema of not.", path, problems);
        }
    }

    private void CheckObject(SchemaNode node, JsonElement value, JsonPlace path, int depth, ProblemList problems)
    {
        foreach (var name in node.Required.Where(n => !value.TryGetProperty(n, out _)))
        {
            Refuse($"{name} is missing.", path.Member(name), problems);
        }

        foreach (var member in value.EnumerateObject())
        {
            if ((node.Properties.GetValueOrDefault(member.Name) ?? node.AdditionalProperties) is { } schema)
            {
                Check(schema, member.Value, path.Member(member.Name), depth + 1, problems);
            }
        }
    }

    private void CheckArray(SchemaNode node, JsonElement value, JsonPlace path, int depth, ProblemList problems)
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

        var index = 0;
        foreach (var item in node.Items is null ? default : value.EnumerateArray())
        {
            Check(node.Items!, item, path.Item(index++), depth + 1, problems);
        }
    }

    private static void CheckText(SchemaNode node, string value, JsonPlace path, ProblemList problems)
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

    private static void CheckNumber(SchemaNode node, double value, JsonPlace path, ProblemList problems)
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

    private static void Refuse(string message, JsonPlace path, ProblemList problems) => problems.Add("bundle.document.schema", message, path.ToString());
}
