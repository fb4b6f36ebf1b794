using System.Data.Common;

namespace Orleans.Configuration;

/// <summary>Accepted and without effect: one process needs no membership table.</summary>
public class AdoNetClusteringSiloOptions
{
    public string? ConnectionString { get; set; }

    public DbDataSource? DataSource { get; set; }

    public string Invariant { get; set; } = "";
}
