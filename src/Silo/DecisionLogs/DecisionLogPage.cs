using System.Collections.Immutable;

namespace OrleansPolicy.Silo.DecisionLogs;

/// <summary>Room in a tenant's log.</summary>
/// <param name="FleetExists">Whether there is such a fleet.</param>
/// <param name="TenantBytes">What the tenant's records take.</param>
/// <param name="NodeBytes">What those of the asked nodes take, of the one that takes most.</param>
public sealed record DecisionLogRoom(bool FleetExists, long TenantBytes, long NodeBytes);

/// <summary>Which records to read.</summary>
/// <param name="After">From this place on.</param>
/// <param name="Limit">At most so many.</param>
/// <param name="Newest">The last so many instead of the next.</param>
/// <param name="From">Decided at or after.</param>
/// <param name="To">Decided before.</param>
/// <param name="Node">By this node.</param>
public sealed record DecisionLogFilter(
    DecisionLogCursor After, int Limit, bool Newest = false, DateTimeOffset? From = null, DateTimeOffset? To = null, string? Node = null)
{
    /// <summary>Reading ends after the record that passes this many characters.</summary>
    public int CharsMax { get; init; } = DecisionLogPage.CharsMax;
}

/// <summary>Records in the order of arrival.</summary>
/// <param name="Lines">Each as it came.</param>
/// <param name="Next">Where to read on.</param>
/// <param name="More">Whether more was there already.</param>
public sealed record DecisionLogPage(ImmutableArray<string> Lines, DecisionLogCursor Next, bool More)
{
    /// <summary>A page ends after the record that passes this.</summary>
    public const int CharsMax = 4 * 1024 * 1024;
}
