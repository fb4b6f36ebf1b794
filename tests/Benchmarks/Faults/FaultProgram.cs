using System.Globalization;
using System.Text.Json;

namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>
/// Puts a cluster through faults of several kinds (docs/RELIABILITY.md). Each run is a line of a file of results, so that many can be
/// collected over several sittings, and the table is made of the file.
/// </summary>
internal static class FaultProgram
{
    private static readonly JsonSerializerOptions Json = new(PolicyJson.Options) { WriteIndented = false };

    private static readonly string Usage =
        $"""
        usage: faults [--kinds NAME,NAME,...] [--agents N] [--runs N] [--results FILE]
               faults report FILE

          --kinds     some of {string.Join(", ", FaultKind.All.Select(kind => kind.Name))}; default: all
          --agents    nodes of the fleet, each a real agent; default 1000
          --runs      how often each kind happens in a stage, and how often at a rollback; default 20
          --results   where each run's line is added; without it the table alone is printed at the end
          report      prints the table of all runs in a file

        cut needs root and iproute2, balancer needs haproxy; all need a build with -p:Engine=Orleans.
        """;

    /// <summary>The exit code: 0, or 2 where it was told wrongly. What must hold in every run and does not is thrown.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["report", { } file])
        {
            FaultTable.Write(Console.Out, [.. File.ReadLines(file).Select(line => JsonSerializer.Deserialize<FaultRun>(line, Json)!)]);
            return 0;
        }

        if (Read(arguments) is not { } wanted)
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        foreach (var kind in wanted.Kinds)
        {
            if (FaultSite.Obstacle(kind) is { } obstacle)
            {
                await Console.Error.WriteLineAsync($"'{kind.Name}' cannot be done here: {obstacle} Leave it out with --kinds.");
                return 2;
            }
        }

        var runs = new List<FaultRun>();
        foreach (var kind in wanted.Kinds)
        {
            await using var site = await FaultSite.CreateAsync(kind, wanted.Agents);
            var faults = new FaultRuns(kind, site, wanted.Agents);
            for (var run = 0; run < wanted.Runs; run++)
            {
                Note(await faults.InAStageAsync());
                Note(await faults.AtARollbackAsync());
            }
        }

        FaultTable.Write(Console.Out, runs);
        return 0;

        void Note(FaultRun run)
        {
            runs.Add(run);
            var line = JsonSerializer.Serialize(run, Json);
            Console.Error.WriteLine(line);
            if (wanted.Results is { } results)
            {
                File.AppendAllLines(results, [line]);
            }

            if (run.Broken() is { } broken)
            {
                throw new InvalidOperationException(broken);
            }
        }
    }

    private static Wanted? Read(string[] arguments)
    {
        var wanted = new Wanted([.. FaultKind.All], 1_000, 20, null);
        for (var index = 0; index < arguments.Length; index += 2)
        {
            var value = index + 1 < arguments.Length ? arguments[index + 1] : "";
            wanted = (arguments[index], value) switch
            {
                ("--kinds", { Length: > 0 } names) => names.Split(',').Select(name => FaultKind.All.FirstOrDefault(kind => kind.Name == name)).ToArray() is var kinds && kinds.All(kind => kind is not null)
                    ? wanted with { Kinds = kinds! }
                    : null,
                ("--agents", _) when Whole(value) is >= 4 and var agents => wanted with { Agents = agents },
                ("--runs", _) when Whole(value) is >= 1 and var runs => wanted with { Runs = runs },
                ("--results", { Length: > 0 }) => wanted with { Results = value },
                _ => null,
            };
            if (wanted is null)
            {
                return null;
            }
        }

        return wanted;
    }

    private static int Whole(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    private sealed record Wanted(FaultKind[] Kinds, int Agents, int Runs, string? Results);
}
