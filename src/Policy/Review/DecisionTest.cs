using System.Text.Json;

namespace OrleansPolicy.Review;

/// <summary>A request, and what a bundle is expected to decide about it.</summary>
/// <param name="Position">Its place in the file, from 0.</param>
/// <param name="Name">What it shows, where the file says.</param>
/// <param name="CapabilityId">What is asked for.</param>
/// <param name="Context">What is known about the request; null counts as empty.</param>
/// <param name="Now">When; null where neither the decision nor its file says.</param>
/// <param name="Expected">An object with the fields of the decision that matter, such as <c>allowed</c>; undefined where nothing is expected.</param>
public sealed record DecisionTest(
    int Position, string? Name, string CapabilityId, JsonElement? Context, DateTimeOffset? Now, JsonElement Expected);
