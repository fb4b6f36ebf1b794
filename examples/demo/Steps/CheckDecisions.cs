namespace OrleansPolicy.Demo.Steps;

/// <summary>Lets every node decide every test decision of the example, then keeps requests coming at every node.</summary>
internal sealed class CheckDecisions(string v1Name) : IDemoStep
{
    public string Title => "every node decides every test decision";

    public Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var tests = TestDecisions.Read(world.Example("gateway-policy/decisions.json"));
        foreach (var node in world.Agents.Nodes)
        {
            for (var i = 0; i < tests.Count; i++)
            {
                var wrong = tests.Check(node, i, world.Hashes[v1Name]);
                DemoFailureException.Unless(wrong is null, wrong!);
            }
        }

        world.Load = new Load(world.Agents, tests.Healthy(), world.Hashes[v1Name]);
        world.Load.Start();
        return Task.FromResult($"{tests.Count} x {world.Agents.Nodes.Length} right; requests at every node from now on");
    }
}
