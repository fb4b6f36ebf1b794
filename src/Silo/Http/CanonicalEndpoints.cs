using System.Text;
using OrleansPolicy.Bundles;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The canonical form, for checking another implementation.</summary>
public static class CanonicalEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapCanonical(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/canonical", CanonicalizeAsync)
            .Is(Permission.Read, "RFC 8785 and its SHA-256, of any JSON", "json.duplicate_key", "json.surrogate", "json.number", "json.malformed")
            .Takes<object>(new BodyLimit(BundleLimits.SizeBytesMax))
            .Gives<CanonicalForm>();

    private static async Task<IResult> CanonicalizeAsync(string tenant, HttpContext http)
    {
        var json = await http.ReadBytesAsync();
        if (!json.Succeeded)
        {
            return json.Refusal();
        }

        var canonical = CanonicalJson.TryCanonicalize(json.Value);
        return canonical.Answer(bytes => new CanonicalForm(Encoding.UTF8.GetString(bytes), CanonicalJson.Hash(bytes)));
    }
}

/// <summary>A canonical form.</summary>
/// <param name="Canonical">The text.</param>
/// <param name="PolicyHash">Its SHA-256, lower-case hex.</param>
public sealed record CanonicalForm(string Canonical, string PolicyHash);
