using System.Collections.Immutable;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Rollouts;

/// <summary>
/// A span of local time, once or again and again, within which rollouts stand still (deny), or outside which they do (allow). Where
/// several apply they add up: one that denies is enough, and each of tenant and fleet that has any that allow must have one open.
/// </summary>
public sealed record FreezeWindow
{
    /// <summary>How many a tenant may have.</summary>
    public const int CountMax = 100;

    /// <summary>Its name, unique in the tenant.</summary>
    public required string Name { get; init; }

    /// <summary>What it does.</summary>
    public required FreezeKind Kind { get; init; }

    /// <summary>The one fleet it is for; null: all of the tenant's.</summary>
    public string? Fleet { get; init; }

    /// <summary>The IANA time zone whose clocks it goes by, such as <c>Europe/Berlin</c>, or <c>UTC</c>.</summary>
    public required string Zone { get; init; }

    /// <summary>When it begins first, as the zone's clocks show it: whole minutes.</summary>
    public required DateTime Starts { get; init; }

    /// <summary>When it ends that time, as the zone's clocks show it.</summary>
    public required DateTime Ends { get; init; }

    /// <summary>Whether it comes again.</summary>
    public FreezeRepeat Repeats { get; init; }

    /// <summary>Where it comes every week: the days on which one begins, among them that of <see cref="Starts"/>; empty: that one.</summary>
    public ImmutableArray<DayOfWeek> Days { get; init; } = [];

    /// <summary>Where it comes again: the local time from which on none begins; null: it never ends to come.</summary>
    public DateTime? Until { get; init; }

    /// <summary>Why, in the words of who set it.</summary>
    public required string Reason { get; init; }

    /// <summary>Who set it.</summary>
    public required Actor By { get; init; }

    /// <summary>When it was set.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether it says anything about a fleet.</summary>
    public bool Concerns(string fleet) => Fleet is null || Fleet == fleet;
}

/// <summary>What a freeze window does.</summary>
public enum FreezeKind
{
    /// <summary>Within it nothing starts or goes forward.</summary>
    Deny,

    /// <summary>Outside it nothing starts or goes forward, unless within another that allows.</summary>
    Allow,
}

/// <summary>Whether a window comes again.</summary>
public enum FreezeRepeat
{
    /// <summary>It is there once.</summary>
    Never,

    /// <summary>Every week, on each of its days.</summary>
    Weekly,

    /// <summary>Every year on the same dates.</summary>
    Yearly,
}

/// <summary>One time that a window is there, as instants.</summary>
/// <param name="From">From when on.</param>
/// <param name="To">Until before when.</param>
public sealed record FreezeSpan(DateTimeOffset From, DateTimeOffset To);
