using System.Text.Json;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Demo;

/// <summary>A rollout that alice started, looked at until it is where the story wants it.</summary>
internal sealed class FollowedRollout
{
    /// <summary>Longer than any plan of the story waits for anything.</summary>
    private const int HoursMost = 6;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(60);

    private readonly DemoWorld _world;
    private string? _stageId;

    private FollowedRollout(DemoWorld world, string id)
    {
        _world = world;
        Id = id;
    }

    public string Id { get; }

    public static async Task<FollowedRollout> StartAsync(
        DemoWorld world, string hash, string plan, string reason, CancellationToken cancellationToken)
    {
        var started = await world.Tool.RunAsync(
            world.KeyOf("alice"), cancellationToken, "rollout", "start", DemoWorld.Fleet, hash, plan, "--reason", reason, "--wait");
        return new FollowedRollout(world, started.GetProperty("rollout_id").GetString()!);
    }

    /// <summary>Looks until something holds. Where it stands still or ends without that, the story has failed.</summary>
    public async Task<RolloutView> UntilAsync(Func<RolloutView, bool> holds, CancellationToken cancellationToken)
    {
        var atMost = Slack + TimeSpan.FromSeconds(HoursMost * _world.Options.HourSeconds);
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var now = await _world.Admin.GetRolloutAsync(Id, cancellationToken);
            if (now.StageId != _stageId)
            {
                _stageId = now.StageId;
                _world.Note($"stage {now.StageId}: {now.Percentage} %, {now.Nodes?.Assigned ?? 0} nodes assigned");
            }

            if (holds(now))
            {
                return now;
            }

            var ended = now.State is RolloutPhase.Paused or RolloutPhase.Complete || now is { State: RolloutPhase.RolledBack, Rollback.OverAt: not null };
            DemoFailureException.Unless(!ended, $"It is {JsonSerializer.Serialize(now.State, PolicyJson.Options)}: {now.Why.Sentence}");
            DemoFailureException.Unless(TimeProvider.System.GetElapsedTime(started) < atMost, $"It does not get further: {now.Why.Sentence}");
            _world.Progress($"{now.StageId} {now.Percentage} %: {now.Why.Sentence}");
            await Task.Delay(LookInterval, cancellationToken);
        }
    }

    /// <summary>Waits until its way back is over, and counts on the nodes themselves that each of them answers under what it went back to.</summary>
    public async Task<RollbackView> ReturnedAsync(string fallback, CancellationToken cancellationToken)
    {
        var back = (await UntilAsync(now => now.Rollback?.OverAt is not null, cancellationToken)).Rollback!;
        var nodes = _world.Agents.Nodes;
        var answering = nodes.Count(node => node.Decide("gateway.health.read", default) is { Served: true } answer && answer.PolicyHash == fallback);
        DemoFailureException.Unless(answering == nodes.Length, $"The way back is over, but {answering} of {nodes.Length} nodes answer under {fallback[..12]}.");
        DemoFailureException.Unless(!back.Overdue, $"The way back took longer than {back.DeadlineSec} s.");
        DemoFailureException.Unless(
            back.Nodes is { Waiting: 0, Fenced: 0, Nodes: > 0 }, $"Of the nodes that had to go back, some were not heard: {back.Nodes}.");
        return back;
    }
}
