namespace OrleansPolicy;

/// <summary>Time zones by their IANA names, the only ones that mean the same on every machine.</summary>
public static class TimeZones
{
    /// <summary>
    /// <c>UTC</c>, or the zone of an IANA name, which has a slash; null where this machine knows none. Zones are files: it is not left to the
    /// runtime to refuse names that lead out of their folder, what no IANA name looks like is looked up nowhere.
    /// </summary>
    public static TimeZoneInfo? TryFind(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name == "UTC" ? TimeZoneInfo.Utc
            : name.Contains('/') && name[0] != '/' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '+' or '-')
                && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone
            : null;
    }

    /// <summary>The zone; throws where <see cref="TryFind"/> finds none: what is stored was validated.</summary>
    public static TimeZoneInfo Find(string name) =>
        TryFind(name) ?? throw new InvalidOperationException($"This machine knows no time zone '{name}': it needs the time zone database (tzdata).");
}
