using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Demo.Steps;

/// <summary>Some nodes cannot load a version. Beyond the plan's budget it goes back by itself, and says why in a node's own words.</summary>
internal sealed class TakeBackRefused(string name, string fallback, string planFile) : IDemoStep
{
    public string Title => $"{name} cannot be loaded by older gateways: it goes back";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var wrong = world.Load.WrongCount;
        var rollout = await FollowedRollout.StartAsync(
            world, world.Hashes[name], world.Example(planFile), "needs a newer gateway", cancellationToken);
        var decided = await rollout.UntilAsync(now => now.State == RolloutPhase.RolledBack, cancellationToken);
        DemoFailureException.Unless(
            decided.Why.Code == RolloutReasons.Nacks && decided.Why.Sentence.Contains(Agents.OldBuildWords, StringComparison.Ordinal),
            $"It went back for another reason: {decided.Why.Sentence}");
        world.Note(decided.Why.Sentence);
        var back = await rollout.ReturnedAsync(world.Hashes[fallback], cancellationToken);
        DemoFailureException.Unless(world.Load.WrongCount == wrong, $"Decisions were wrong or refused: {string.Join("; ", world.Load.Wrong)}");
        return $"ROLLED_BACK: {decided.Why.Sentence}; {FigureText.Of(back)}";
    }
}
