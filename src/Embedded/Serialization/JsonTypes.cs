using System.Text.Json;

namespace Orleans.Serialization;

/// <summary>Types that are copied as JSON, and with which options.</summary>
internal sealed record JsonTypes(Func<Type, bool> IsSupported, JsonSerializerOptions Options);
