namespace OrleansPolicy.Benchmarks;

/// <summary>From the start of the process to the first 200 of /readyz, alternating an empty data folder with an existing one.</summary>
internal static class ProcessStart
{
    private const int Rounds = 7;

    public static async Task RunAsync(Report report)
    {
        var empty = new List<double>();
        var existing = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var data = ControlPlane.NewDataFolder();
            try
            {
                empty.Add(await MillisecondsToReadyAsync(data));
                existing.Add(await MillisecondsToReadyAsync(data));
            }
            finally
            {
                Directory.Delete(data, recursive: true);
            }
        }

        report.Row(new Samples("start to ready, empty data folder", "ms", empty), "initdb, schema, admin key");
        report.Row(new Samples("start to ready, existing data folder", "ms", existing));
    }

    private static async Task<double> MillisecondsToReadyAsync(string data)
    {
        await using var controlPlane = new ControlPlane(data);
        return (await controlPlane.StartAsync()).TotalMilliseconds;
    }
}
