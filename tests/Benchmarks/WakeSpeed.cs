using OrleansPolicy.Client;

namespace OrleansPolicy.Benchmarks;

/// <summary>Ten thousand nodes hold their polls open; an operator takes v2 back, and each of them must hear of it.</summary>
internal static class WakeSpeed
{
    private const string Fleet = "edge";
    private const double HourSeconds = 3;
    private const int Nodes = 10_000;
    private const int Runs = 7;
    private const int MemoryReads = 10;
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Afterwards = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(Report report)
    {
        await using var installation = await Installation.StartAsync(HourSeconds);
        await installation.AddFleetAsync(Fleet, Nodes);
        await installation.PublishNextAsync();
        var relay = await installation.Admin.CreateKeyAsync(new NewKey { Name = "relay", Subject = "relay", Role = "relay", Fleet = Fleet });
        var keys = await installation.Admin.CreateKeysAsync(
            [.. Enumerable.Range(0, Nodes).Select(Installation.NameOf).Select(node => new NewKey
            {
                Name = node, Subject = node, Role = "node", Fleet = Fleet, Node = node,
            })]);
        await using var polls = new RawPolls(installation.ControlPlane.Address, Fleet, [.. keys.Select(key => key.Key)], relay.Key);
        polls.Start();
        var epoch = (await installation.Admin.GetFleetAsync(Fleet)).Directive.Epoch;
        await polls.UntilAllHeardAsync(epoch);
        await polls.AckAsync();
        await Task.Delay(Settle);
        report.Row(await MemoryAsync(installation, $"memory with {Nodes:N0} open long polls"), "resident, without PostgreSQL");

        var woken = new List<double>(Runs);
        for (var run = 0; run < Runs; run++)
        {
            woken.Add(await WakeAsync(installation, polls));
        }

        report.Row(
            new Samples($"rollback: durable to the last answer of {Nodes:N0} open long polls", "ms", woken), $"{polls.Troubles} polls failed");
        report.Row(await MemoryAsync(installation, "memory right after that"), "resident, without PostgreSQL");
        await Task.Delay(Afterwards);
        report.Row(await MemoryAsync(installation, "memory a minute later"), "resident, without PostgreSQL");
    }

    private static async Task<double> WakeAsync(Installation installation, RawPolls polls)
    {
        foreach (var taken in await installation.Admin.ListQuarantineAsync(Fleet))
        {
            await installation.Admin.ReleaseAsync(Fleet, taken.PolicyHash, "benchmark");
        }

        var rollout = await installation.RollOutAsync(Fleet);
        await polls.UntilAllHeardAsync(rollout.Epoch);
        for (var view = rollout; view.Percentage < 100; view = await installation.Admin.GetRolloutAsync(rollout.RolloutId))
        {
            await polls.AckAsync();
            await Task.Delay(1_000);
        }

        await polls.UntilAllHeardAsync(rollout.Epoch + 1);
        await polls.AckAsync();

        // Until all of them hold a poll again, as they do between decisions.
        await Task.Delay(TimeSpan.FromSeconds(3));
        var back = await installation.Admin.RollBackAsync(rollout.RolloutId, "benchmark");
        var last = await polls.UntilAllHeardAsync(back.Epoch);
        await polls.AckAsync();
        var over = await installation.UntilAsync(rollout.RolloutId, view => view.Rollback?.OverAt is not null);
        return (last - over.Rollback!.DurableAt!.Value).TotalMilliseconds;
    }

    private static async Task<Samples> MemoryAsync(Installation installation, string name)
    {
        var reads = new List<double>(MemoryReads);
        for (var read = 0; read < MemoryReads; read++)
        {
            reads.Add(installation.ControlPlane.ResidentMegabytes);
            await Task.Delay(1_000);
        }

        return new Samples(name, "MB", reads);
    }
}
