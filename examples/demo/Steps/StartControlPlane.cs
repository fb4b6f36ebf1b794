using OrleansPolicy.Client;

namespace OrleansPolicy.Demo.Steps;

/// <summary>A control plane of its own, on a free port, with an empty data folder.</summary>
internal sealed class StartControlPlane : IDemoStep
{
    public string Title => "start the control plane with a private PostgreSQL";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var took = await world.ControlPlane.StartAsync(cancellationToken);
        var key = (await File.ReadAllTextAsync(world.ControlPlane.AdminKeyFile, cancellationToken)).Trim();
        world.Admin = new PolicyClient(new PolicyClientOptions { Server = world.ControlPlane.Address, ApiKey = key });
        world.Tool = new Tool(world.Options.Policyctl, world.Folder) { Server = world.ControlPlane.Address };
        DemoFailureException.Unless(await world.Admin.IsReadyAsync(cancellationToken), "It said ready, but /readyz does not.");
        return $"{world.ControlPlane.Address.Authority}, ready after {took.TotalSeconds:F1} s";
    }
}
