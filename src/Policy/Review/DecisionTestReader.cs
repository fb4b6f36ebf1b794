using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>
/// Reads the decisions that lie beside a bundle: <c>{"now"?, "description"?, "decisions": [{"name"?, "capability_id", "context"?,
/// "now"?, "expected": {...}, "expected_LABEL"?: {...}}]}</c>, or the list alone (docs/RULES.md).
/// </summary>
public sealed class DecisionTestReader
{
    /// <summary>The most decisions of one file.</summary>
    public const int TestsMax = 100_000;

    private static readonly HashSet<string> FileFields = ["description", "now", "decisions"];
    private static readonly HashSet<string> Fields = ["name", "capability_id", "context", "now", "expected"];

    private readonly ProblemList problems = new();
    private readonly string? label;

    private DecisionTestReader(string? label) => this.label = label;

    /// <summary>The fields of a decision that can be expected.</summary>
    public static ImmutableArray<string> ExpectedFields { get; } =
        [.. JsonSerializer.SerializeToElement(new Decision(false, false, "", null, null, null), PolicyJson.Options).EnumerateObject().Select(f => f.Name)];

    /// <summary>
    /// Reads a file. All that is wrong is said at once, with the codes <c>decision_test.malformed</c>, <c>.field</c>, <c>.count</c>,
    /// <c>.capability_id</c>, <c>.now</c> and <c>.expected</c>.
    /// </summary>
    /// <param name="json">The file.</param>
    /// <param name="label">Which variant of a policy is tested: <c>expected_LABEL</c> is then read in place of <c>expected</c>, where it stands.</param>
    /// <param name="needsExpected">Whether a decision without <c>expected</c> is refused.</param>
    public static Outcome<ImmutableArray<DecisionTest>> Read(ReadOnlyMemory<byte> json, string? label = null, bool needsExpected = true)
    {
        JsonElement root;
        try
        {
            root = JsonElement.Parse(json.Span, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Outcome<ImmutableArray<DecisionTest>>.Fail("decision_test.malformed", e.Message);
        }

        var reader = new DecisionTestReader(label);
        var tests = reader.ReadFile(root, needsExpected);
        return reader.problems.Count == 0
            ? Outcome<ImmutableArray<DecisionTest>>.Ok(tests)
            : Outcome<ImmutableArray<DecisionTest>>.Fail(reader.problems.ToImmutable());
    }

    private ImmutableArray<DecisionTest> ReadFile(JsonElement root, bool needsExpected)
    {
        var (list, path, now) = (root, "$", (DateTimeOffset?)null);
        if (root.ValueKind == JsonValueKind.Object)
        {
            RefuseUnknown(root, FileFields, "$");
            now = ReadNow(root, "$");
            path = "$.decisions";
            list = root.TryGetProperty("decisions", out var decisions) ? decisions : default;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            problems.Add("decision_test.malformed", "The file is an object with a list of decisions, or the list.", path);
            return [];
        }

        if (list.GetArrayLength() is 0 or > TestsMax)
        {
            problems.Add("decision_test.count", $"There are 1 to {TestsMax} decisions.", path);
            return [];
        }

        return [.. list.EnumerateArray().Select((test, i) => ReadTest(test, i, $"{path}[{i}]", now, needsExpected))];
    }

    private DecisionTest ReadTest(JsonElement test, int position, string path, DateTimeOffset? now, bool needsExpected)
    {
        if (test.ValueKind != JsonValueKind.Object)
        {
            problems.Add("decision_test.malformed", "A decision is an object.", path);
            return new DecisionTest(position, null, "", null, null, default);
        }

        RefuseUnknown(test, Fields, path);
        var capability = TextOf(test, "capability_id");
        if (capability is null)
        {
            problems.Add("decision_test.capability_id", "capability_id is a text.", path + ".capability_id");
        }

        // What is no object is kept: that it is denied can be expected too.
        var context = test.TryGetProperty("context", out var given) && given.ValueKind != JsonValueKind.Null ? given : (JsonElement?)null;
        var expected = ReadExpected(test, path);
        if (expected.ValueKind == JsonValueKind.Undefined && needsExpected)
        {
            problems.Add("decision_test.expected", "expected says what is decided.", path + ".expected");
        }

        return new DecisionTest(position, TextOf(test, "name"), capability ?? "", context, ReadNow(test, path) ?? now, expected);
    }

    private JsonElement ReadExpected(JsonElement test, string path)
    {
        var name = label is not null && test.TryGetProperty("expected_" + label, out _) ? "expected_" + label : "expected";
        if (!test.TryGetProperty(name, out var expected))
        {
            return default;
        }

        // A field with a slip in its name would never be compared.
        if (expected.ValueKind != JsonValueKind.Object || expected.EnumerateObject().Any(f => !ExpectedFields.Contains(f.Name)))
        {
            problems.Add("decision_test.expected", $"{name} is an object with some of {string.Join(", ", ExpectedFields)}.", $"{path}.{name}");
        }

        return expected;
    }

    private DateTimeOffset? ReadNow(JsonElement owner, string path)
    {
        if (!owner.TryGetProperty("now", out _))
        {
            return null;
        }

        if (Rfc3339.TryParse(TextOf(owner, "now"), out var now))
        {
            return now;
        }

        problems.Add("decision_test.now", "now is an RFC 3339 time such as 2026-01-31T12:00:00Z.", path + ".now");
        return null;
    }

    private static string? TextOf(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private void RefuseUnknown(JsonElement owner, HashSet<string> known, string path)
    {
        foreach (var field in owner.EnumerateObject())
        {
            if (!known.Contains(field.Name) && !(known == Fields && field.Name.StartsWith("expected_", StringComparison.Ordinal)))
            {
                problems.Add("decision_test.field", $"The field {field.Name} is not known.", path + JsonPath.Member(field.Name));
            }
        }
    }
}
