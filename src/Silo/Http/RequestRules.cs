using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Silo.Http;

/// <summary>Checks of requests that several calls share. All problems are collected, so that one try shows them all.</summary>
internal static class RequestRules
{
    private const int RefLengthMax = 256;
    private static readonly JsonElement JsonNull = JsonElement.Parse("null");

    /// <summary>An answer with all problems that are there; null where there is none.</summary>
    public static ProblemAnswer? Collect(params Problem?[] problems)
    {
        var found = problems.OfType<Problem>().ToImmutableArray();
        return found.IsEmpty ? null : new ProblemAnswer(found);
    }

    /// <summary>A missing or oversized reference to a bundle.</summary>
    public static Problem? CheckRef(string? reference) => reference is { Length: >= 1 and <= RefLengthMax }
        ? null
        : new Problem("ref.invalid", "Name a bundle: a hash, a version, tag:NAME or tag:NAME@FLEET.", "$.ref");

    /// <summary>What was left out, as JSON's null: an element of no JSON at all cannot travel to a grain.</summary>
    public static JsonElement OrNull(this JsonElement json) => json.ValueKind == JsonValueKind.Undefined ? JsonNull : json;

    /// <summary>A limit of a list outside its bounds.</summary>
    public static Problem? CheckLimit(int limit, int max) => limit >= 1 && limit <= max
        ? null
        : new Problem("request.limit", $"The limit is 1 to {max}.", "$.limit");
}
