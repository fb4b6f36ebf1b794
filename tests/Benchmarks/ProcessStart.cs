namespace OrleansPolicy.Benchmarks;

/// <summary>From the start of the process to the first 200 of /readyz.</summary>
internal static class ProcessStart
{
    private const int Rounds = 7;
    private const int Silos = 3;

    /// <summary>One process, alternating an empty data folder with an existing one.</summary>
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

    /// <summary>A silo that joins two others, again and again.</summary>
    public static async Task RunJoiningAsync(Report report)
    {
        await using var installation = await Installation.StartAsync(null, await OwnDatabase.CreateAsync(), Silos);
        var silo = installation.Silos[^1];
        var (times, processor) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            await silo.StopAsync();
            times.Add((await silo.StartAsync()).TotalMilliseconds);
            processor.Add(silo.ProcessorTime.TotalMilliseconds);
        }

        report.Row(new Samples("start to ready, joining two silos", "ms", times));
        report.Row(new Samples("of that: processor time of the process", "ms", processor));
    }

    private static async Task<double> MillisecondsToReadyAsync(string data)
    {
        await using var controlPlane = new ControlPlane(data);
        return (await controlPlane.StartAsync()).TotalMilliseconds;
    }
}
