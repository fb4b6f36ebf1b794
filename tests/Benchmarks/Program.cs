using OrleansPolicy.Benchmarks;

var benchmarks = new Dictionary<string, (string What, Func<Report, Task> Run)>(StringComparer.Ordinal)
{
    ["start"] = ("process start to /readyz 200, with an empty and with an existing data folder", ProcessStart.RunAsync),
    ["decision"] = ("one decision over the gateway example, beside reading the same inputs", DecisionSpeed.RunAsync),
    ["canonical"] = ("the canonical form of a bundle, beside parsing and writing it", CanonicalSpeed.RunAsync),
    ["rollout"] = ("aggregating a report, one look with its event, the cut of 100,000 nodes", RolloutSpeed.RunAsync),
    ["call"] = ("a call from grain to grain in one silo, beside a trip to the thread pool", CallSpeed.RunAsync),
};

if (args is not [{ } name] || !benchmarks.TryGetValue(name, out var benchmark))
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/Benchmarks -- NAME");
    foreach (var (key, (what, _)) in benchmarks)
    {
        Console.Error.WriteLine($"  {key,-10} {what}");
    }

    return 2;
}

var report = new Report();
await benchmark.Run(report);
report.Close();
return 0;
