using System.Data.Common;

namespace Orleans.Configuration;

/// <summary>Where reminders are stored. Exactly one of <see cref="ConnectionString"/> and <see cref="DataSource"/> is given.</summary>
public class AdoNetReminderTableOptions
{
    public string? ConnectionString { get; set; }

    public DbDataSource? DataSource { get; set; }

    /// <summary>Only <c>Npgsql</c> works here.</summary>
    public string Invariant { get; set; } = "";
}
