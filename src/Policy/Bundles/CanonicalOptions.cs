namespace OrleansPolicy.Bundles;

/// <summary>What canonicalization demands and leaves out.</summary>
public sealed record CanonicalOptions
{
    /// <summary>RFC 8785 as it stands: every number is written as the nearest IEEE double.</summary>
    public static CanonicalOptions Default { get; } = new();

    /// <summary>
    /// Refuse (<c>json.number_inexact</c>) a number whose decimal value changes when it is written as the nearest double,
    /// such as 9007199254740993. Bundles demand this: two readers would otherwise disagree on what was signed.
    /// </summary>
    public bool ExactNumbers { get; init; }

    /// <summary>A member of the outermost object that is checked like all others but left out of the result.</summary>
    public string? OmitMember { get; init; }
}
