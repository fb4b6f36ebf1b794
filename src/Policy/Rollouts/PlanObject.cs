using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Rollouts;

/// <summary>One JSON object of a plan, read field by field: whatever does not fit becomes a problem with its path, and null.</summary>
internal sealed class PlanObject
{
    /// <summary>The longest text in a plan.</summary>
    public const int TextMax = 1_000;

    private readonly Dictionary<string, JsonElement> fields = new(StringComparer.Ordinal);
    private readonly ImmutableArray<Problem>.Builder errors;

    public PlanObject(
        JsonElement json, string path, IReadOnlySet<string> known, ImmutableArray<Problem>.Builder errors, ImmutableArray<Problem>.Builder warnings)
    {
        this.errors = errors;
        Path = path;
        foreach (var field in json.EnumerateObject())
        {
            if (!known.Contains(field.Name))
            {
                Limited(warnings, new Problem(PlanProblems.UnknownField, "This field is not known here and changes nothing.", At(field.Name)));
            }
            else if (!fields.TryAdd(field.Name, field.Value))
            {
                Limited(errors, new Problem(PlanProblems.DuplicateField, $"{field.Name} stands here twice.", At(field.Name)));
            }
        }
    }

    public string Path { get; }

    public string At(string field) => $"{Path}.{field}";

    /// <summary>A mandatory field; a problem where it is missing.</summary>
    public JsonElement? Required(string field)
    {
        if (fields.TryGetValue(field, out var value))
        {
            return value;
        }

        errors.Add(new Problem(PlanProblems.MissingField, $"{field} is missing.", At(field)));
        return null;
    }

    /// <summary>An optional field; null counts as absent.</summary>
    public JsonElement? Optional(string field) =>
        fields.TryGetValue(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public void Fail(string code, string field, string message) => errors.Add(new Problem(code, message, At(field)));

    /// <summary>A mandatory number within bounds. Booleans and texts are no numbers.</summary>
    public decimal? Percentage(string field, string code, bool aboveZero)
    {
        if (Required(field) is not { } value)
        {
            return null;
        }

        if (Number(value) is { } number && number <= 100 && (aboveZero ? number > 0 : number >= 0))
        {
            return number;
        }

        Fail(code, field, $"{field} must be a number {(aboveZero ? "above 0 and at most 100" : "from 0 to 100")}.");
        return null;
    }

    /// <summary>A mandatory number of contract hours.</summary>
    public double? Hours(string field, string code, double min, bool orEqual)
    {
        if (Required(field) is not { } value)
        {
            return null;
        }

        if (Double(value) is { } hours && hours <= PlanReader.HoursMax && (orEqual ? hours >= min : hours > min))
        {
            return hours;
        }

        Fail(code, field, $"{field} must be a number {(orEqual ? "from" : "above")} {min} to {PlanReader.HoursMax}.");
        return null;
    }

    public string? Text(string field, string code) => Required(field) is { } value ? Text(value, code, At(field), field) : null;

    public string? Text(JsonElement value, string code, string path, string what)
    {
        if (TextOf(value) is { } text && !string.IsNullOrWhiteSpace(text) && text.Length <= TextMax)
        {
            return text;
        }

        errors.Add(new Problem(code, $"{what} must be a text that is not blank, of at most {TextMax} characters.", path));
        return null;
    }

    /// <summary>A word out of a few; null counts as absent unless the field is mandatory.</summary>
    public T Word<T>(string field, T otherwise, bool mandatory, params ReadOnlySpan<(string Word, T Value)> words)
    {
        if ((mandatory ? Required(field) : Optional(field)) is not { } value)
        {
            return otherwise;
        }

        var text = TextOf(value);
        var names = new List<string>();
        foreach (var (word, meaning) in words)
        {
            names.Add(word);
            if (word == text)
            {
                return meaning;
            }
        }

        Fail(PlanProblems.Of(field), field, $"{field} must be one of: {string.Join(", ", names)}.");
        return otherwise;
    }

    public bool Flag(string field)
    {
        if (Optional(field) is not { } value)
        {
            return false;
        }

        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            Fail(PlanProblems.Of(field), field, $"{field} must be true or false.");
        }

        return value.ValueKind == JsonValueKind.True;
    }

    /// <summary>An optional whole number within bounds.</summary>
    public int? Whole(string field, int min, int max, string? code = null)
    {
        if (Optional(field) is not { } value)
        {
            return null;
        }

        if (Number(value) is { } number && decimal.IsInteger(number) && number >= min && number <= max)
        {
            return (int)number;
        }

        Fail(code ?? PlanProblems.Of(field), field, $"{field} must be a whole number from {min} to {max}.");
        return null;
    }

    /// <summary>An optional number within bounds, above or from <paramref name="min"/>.</summary>
    public decimal? Optional(string field, decimal min, bool orEqual, decimal max, string? code = null)
    {
        if (Optional(field) is not { } value)
        {
            return null;
        }

        if (Number(value) is { } number && number <= max && (orEqual ? number >= min : number > min))
        {
            return number;
        }

        Fail(code ?? PlanProblems.Of(field), field, $"{field} must be a number {(orEqual ? "from" : "above")} {min} to {max}.");
        return null;
    }

    public static decimal? Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) ? number : null;

    public static double? Double(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;

    /// <summary>A JSON text; null for anything else, a text with half a surrogate pair included.</summary>
    public static string? TextOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    // A hostile document may have a million unknown fields; the first few tell enough.
    private static void Limited(ImmutableArray<Problem>.Builder problems, Problem problem)
    {
        if (problems.Count < PlanReader.ProblemsMax)
        {
            problems.Add(problem);
        }
    }
}
