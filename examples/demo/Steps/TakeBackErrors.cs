using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Demo.Steps;

/// <summary>A version that makes requests fail once all nodes run it: its trigger takes it back.</summary>
internal sealed class TakeBackErrors(string name, string fallback, string planFile) : IDemoStep
{
    /// <summary>Errors begin on every node, or on those that have it by then: contract hours, of the three that the last stage lasts.</summary>
    private const double SwapWithinHours = 0.6;

    public string Title => $"{name} makes errors at 100 %: it goes back";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var (hash, nodes) = (world.Hashes[name], world.Agents.Nodes);
        var wrong = world.Load.WrongCount;
        var rollout = await FollowedRollout.StartAsync(world, hash, world.Example(planFile), "a change with a flaw", cancellationToken);
        await rollout.UntilAsync(now => now.Percentage == 100, cancellationToken);
        var swapWithin = TimeSpan.FromSeconds(SwapWithinHours * world.Options.HourSeconds);
        var entered = TimeProvider.System.GetTimestamp();
        while (world.Agents.CountOn(hash) < nodes.Length && TimeProvider.System.GetElapsedTime(entered) < swapWithin)
        {
            await Task.Delay(20, cancellationToken);
        }

        world.Note($"{world.Agents.CountOn(hash)} of {nodes.Length} nodes run it: their requests begin to fail");
        world.Load.FailUnder(hash);
        var decided = await rollout.UntilAsync(now => now.State == RolloutPhase.RolledBack, cancellationToken);
        DemoFailureException.Unless(decided.Why.Code == RolloutReasons.Trigger, $"It went back for another reason: {decided.Why.Sentence}");
        world.Note(decided.Why.Sentence);
        var back = await rollout.ReturnedAsync(world.Hashes[fallback], cancellationToken);
        world.Load.FailUnder(null);
        DemoFailureException.Unless(world.Load.WrongCount == wrong, $"Decisions were wrong or refused: {string.Join("; ", world.Load.Wrong)}");
        return $"ROLLED_BACK at {decided.Why.Measured:P1} errors; {FigureText.Of(back)}; all {nodes.Length} answer under {fallback}";
    }
}
