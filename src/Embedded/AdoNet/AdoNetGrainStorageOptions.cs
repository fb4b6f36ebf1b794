using System.Data.Common;
using Orleans.Storage;

namespace Orleans.Configuration;

/// <summary>Where states are stored. Exactly one of <see cref="ConnectionString"/> and <see cref="DataSource"/> is given.</summary>
public class AdoNetGrainStorageOptions
{
    public string? ConnectionString { get; set; }

    public DbDataSource? DataSource { get; set; }

    /// <summary>Only <c>Npgsql</c> works here; the default is the one of the providers of a cluster.</summary>
    public string Invariant { get; set; } = "Microsoft.Data.SqlClient";

    public IGrainStorageSerializer GrainStorageSerializer { get; set; } = null!;

    public bool DeleteStateOnClear { get; set; }
}
