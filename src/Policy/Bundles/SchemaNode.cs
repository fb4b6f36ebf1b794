using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Bundles;

/// <summary>One schema object (or <c>true</c>, <c>false</c>) after it was read. What it does not name is null or empty and allows everything.</summary>
internal sealed class SchemaNode
{
    private const int EnumTextLengthMax = 1_000;

    /// <summary>Set for the schema <c>false</c>: nothing is valid.</summary>
    public bool IsNever { get; set; }

    public SchemaNode? Reference { get; set; }

    public ImmutableArray<string> Types { get; set; } = [];

    public ImmutableArray<JsonElement>? Enum
    {
        get;
        set
        {
            field = value;
            var text = string.Join(", ", (value ?? []).Select(v => v.GetRawText()));
            EnumText = text.Length > EnumTextLengthMax ? text[..EnumTextLengthMax] + "…" : text;
        }
    }

    /// <summary>The values in words, cut short where they are many.</summary>
    public string EnumText { get; private set; } = "";

    public Dictionary<string, SchemaNode> Properties { get; set; } = [];

    public ImmutableArray<string> Required { get; set; } = [];

    public SchemaNode? AdditionalProperties { get; set; }

    public SchemaNode? Items { get; set; }

    public double? Minimum { get; set; }

    public double? Maximum { get; set; }

    public double? ExclusiveMinimum { get; set; }

    public double? ExclusiveMaximum { get; set; }

    public long MinLength { get; set; }

    public long MaxLength { get; set; } = long.MaxValue;

    public Regex? Pattern { get; set; }

    public long MinItems { get; set; }

    public long MaxItems { get; set; } = long.MaxValue;

    public bool UniqueItems { get; set; }

    public ImmutableArray<SchemaNode> AllOf { get; set; } = [];

    public ImmutableArray<SchemaNode> AnyOf { get; set; } = [];

    public ImmutableArray<SchemaNode> OneOf { get; set; } = [];

    public SchemaNode? Not { get; set; }

    /// <summary>The schemas that look at the same place of the document as this one.</summary>
    public IEnumerable<SchemaNode> InPlace =>
        AllOf.Concat(AnyOf).Concat(OneOf).Concat(new[] { Not, Reference }.OfType<SchemaNode>());
}
