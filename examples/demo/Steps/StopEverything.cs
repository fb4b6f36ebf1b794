namespace OrleansPolicy.Demo.Steps;

/// <summary>Stops the agents, then the control plane, as an operator would.</summary>
internal sealed class StopEverything : IDemoStep
{
    public string Title => "stop the agents and the control plane";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        await world.Load.DisposeAsync();
        world.Load = null!;
        await world.Agents.DisposeAsync();
        var (exitCode, took) = await world.ControlPlane.StopAsync(cancellationToken);
        DemoFailureException.Unless(exitCode == 0, $"The control plane ended with {exitCode}; see {world.ControlPlane.LogFile}.");
        return $"ended with 0 after {took.TotalSeconds:F1} s";
    }
}
