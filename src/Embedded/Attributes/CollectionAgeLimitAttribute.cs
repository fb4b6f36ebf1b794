using System.Globalization;

namespace Orleans;

/// <summary>How long activations of this class may idle before they are collected; as properties at least <see cref="MinAgeLimit"/>.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false)]
public class CollectionAgeLimitAttribute : Attribute
{
    public static readonly TimeSpan MinAgeLimit = TimeSpan.FromMinutes(1);

    private readonly TimeSpan? _given;

    public CollectionAgeLimitAttribute()
    {
    }

    public CollectionAgeLimitAttribute(string inactivityPeriod) => _given = TimeSpan.Parse(inactivityPeriod, CultureInfo.InvariantCulture);

    public double Days { get; set; }

    public double Hours { get; set; }

    public double Minutes { get; set; }

    public bool AlwaysActive { get; set; }

    public TimeSpan AgeLimit => AlwaysActive ? TimeSpan.MaxValue : _given ?? FromParts();

    private TimeSpan FromParts()
    {
        var parts = TimeSpan.FromDays(Days) + TimeSpan.FromHours(Hours) + TimeSpan.FromMinutes(Minutes);
        return parts < MinAgeLimit ? MinAgeLimit : parts;
    }
}
