using System.Text.Json;

namespace OrleansPolicy.Review;

/// <summary>A value that is not the same in two documents.</summary>
/// <param name="Path">Where: names and positions from the top, such as <c>match.all[1].lte</c>.</param>
/// <param name="Before">What stood there; null where nothing did.</param>
/// <param name="After">What stands there now; null where nothing does.</param>
public sealed record FieldChange(string Path, JsonElement? Before, JsonElement? After);
