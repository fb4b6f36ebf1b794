using System.Globalization;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Demo.Steps;

/// <summary>The control plane is killed in the middle of a stage and started again: it goes on where it was.</summary>
internal sealed class SurviveKill(string name, string planFile) : IDemoStep
{
    private const int KilledInStage = 1;

    /// <summary>How long nobody is there.</summary>
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(2);

    public string Title => $"SIGKILL of the control plane while {name} rolls out";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var (hash, nodes) = (world.Hashes[name], world.Agents.Nodes);
        var (wrong, decisions) = (world.Load.WrongCount, world.Load.Decisions);
        var rollout = await FollowedRollout.StartAsync(world, hash, world.Example(planFile), "a sound change", cancellationToken);
        var before = await rollout.UntilAsync(now => now.StageIndex == KilledInStage, cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(world.Options.HourSeconds / 3), cancellationToken);

        var killed = TimeProvider.System.GetTimestamp();
        await world.ControlPlane.KillAsync();
        world.Note($"killed in stage {before.StageId}, a third of its window in");

        // Not to be interrupted: its PostgreSQL runs on, and only the next control plane can stop that.
        await Task.Delay(Away, CancellationToken.None);
        var nobodyThere = TimeProvider.System.GetElapsedTime(killed);
        var ready = await world.ControlPlane.StartAsync(cancellationToken);
        var after = await world.Admin.GetRolloutAsync(rollout.Id, cancellationToken);
        world.Note($"ready again after {ready.TotalSeconds:F1} s, in stage {after.StageId}");
        DemoFailureException.Unless(
            (after.State, after.StageId, after.Epoch) == (before.State, before.StageId, before.Epoch),
            $"It was in {before.StageId} at epoch {before.Epoch} and came back in {after.StageId} at epoch {after.Epoch}.");

        await rollout.UntilAsync(now => now.State == RolloutPhase.Complete, cancellationToken);
        DemoFailureException.Unless(world.Agents.CountOn(hash) == nodes.Length, "It is COMPLETE, but a node runs something else.");
        DemoFailureException.Unless(world.Load.WrongCount == wrong, $"Decisions were wrong or refused: {string.Join("; ", world.Load.Wrong)}");
        var told = await ToldStages.ReadAsync(world, rollout.Id, cancellationToken);
        told.MustFollow(world.Example(planFile), KilledInStage, nobodyThere);
        await world.Tool.RunAsync(world.KeyOf("alice"), cancellationToken, "audit", "verify");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"away {(nobodyThere + ready).TotalSeconds:F1} s; COMPLETE; the audit: {told}; none of {world.Load.Decisions - decisions} decisions refused");
    }
}
