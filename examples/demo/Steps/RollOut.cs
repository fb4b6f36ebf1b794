using System.Text.Json;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Demo.Steps;

/// <summary>Rolls a bundle out in the plan's stages. Bob approves each one; the share is counted on the nodes all the way.</summary>
internal sealed class RollOut(string name, string planFile) : IDemoStep
{
    private const int BarChars = 20;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    public string Title => $"roll {name} out in four stages";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var hash = world.Hashes[name];
        var plan = world.Example(planFile);
        var verdict = await world.Tool.RunAsync(world.KeyOf("alice"), cancellationToken, "rollout", "validate", plan, "--fleet", DemoWorld.Fleet);
        await using var shares = new ShareWatch(world.Agents, hash);
        shares.Learn((await world.Admin.GetFleetAsync(DemoWorld.Fleet, cancellationToken)).Directive);
        shares.Start();
        var started = await world.Tool.RunAsync(
            world.KeyOf("alice"), cancellationToken, "rollout", "start", DemoWorld.Fleet, hash, plan, "--reason", "refunds and orders, tighter", "--wait");
        var stages = await WatchAsync(world, shares, started.GetProperty("rollout_id").GetString()!, cancellationToken);

        var violations = shares.Violations();
        DemoFailureException.Unless(violations.Count == 0, $"More nodes than allowed ran it: {string.Join("; ", violations)}");
        var planned = verdict.GetProperty("stages").GetArrayLength();
        DemoFailureException.Unless(stages.Count == planned, $"{stages.Count} stages were seen, {planned} were planned.");
        foreach (var stage in stages)
        {
            var (most, cap) = (shares.MostIn(stage.Epoch), shares.CapOf(stage.Epoch));
            world.Note($"stage {stage.Id} ({stage.Percentage} %): at most {most} of {cap} allowed nodes ran it");
            DemoFailureException.Unless(most == cap, $"Stage {stage.Id} allowed {cap} nodes; at most {most} ran it.");
        }

        var counts = string.Join(" / ", stages.Select(s => $"{shares.MostIn(s.Epoch)} of {shares.CapOf(s.Epoch)}"));
        return $"COMPLETE; seen on the nodes: {counts} allowed ({shares.Samples} counts)";
    }

    private static async Task<IReadOnlyList<Stage>> WatchAsync(
        DemoWorld world, ShareWatch shares, string rolloutId, CancellationToken cancellationToken)
    {
        var (stages, approved) = (new List<Stage>(), new HashSet<string>());
        while (true)
        {
            shares.Learn((await world.Admin.GetFleetAsync(DemoWorld.Fleet, cancellationToken)).Directive);
            var now = await world.Admin.GetRolloutAsync(rolloutId, cancellationToken);
            switch (now.State)
            {
                case RolloutPhase.Complete:
                    shares.Learn((await world.Admin.GetFleetAsync(DemoWorld.Fleet, cancellationToken)).Directive);
                    return stages;
                case RolloutPhase.RolledBack or RolloutPhase.Paused:
                    throw new DemoFailureException($"It is {JsonSerializer.Serialize(now.State, PolicyJson.Options)}: {now.Why.Sentence}");
                case RolloutPhase.Pending or RolloutPhase.Active:
                default:
                    break;
            }

            if (now.StageId is { } id && stages.All(s => s.Id != id))
            {
                stages.Add(new Stage(id, now.Percentage, now.Epoch));
                world.Note($"stage {id}: {now.Percentage} %, {now.Nodes?.Assigned ?? 0} nodes assigned");
            }

            world.Progress($"{now.StageId} {now.Percentage,3} %  {Bar(world.Agents.CountOn(now.Target), world.Agents.Nodes.Length)}  {now.Why.Sentence}");
            if (now.Why.Code == RolloutReasons.Approval && approved.Add(now.StageId!))
            {
                world.Note($"bob approves leaving {now.StageId}");
                await world.Tool.RunAsync(
                    world.KeyOf("bob"), cancellationToken, "rollout", "approve", rolloutId, "--reason", $"{now.StageId} looks healthy");
            }

            await Task.Delay(LookInterval, cancellationToken);
        }
    }

    private static string Bar(int count, int total)
    {
        var filled = count * BarChars / Math.Max(total, 1);
        return $"{new string('█', filled)}{new string('░', BarChars - filled)} {count}/{total}";
    }

    private sealed record Stage(string Id, decimal Percentage, long Epoch);
}
