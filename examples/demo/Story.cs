using OrleansPolicy.Demo.Steps;

namespace OrleansPolicy.Demo;

/// <summary>What is told, in order.</summary>
internal static class Story
{
    private const string V1 = "gateway policy v1";
    private const string V2 = "gateway policy v2";

    public static IReadOnlyList<IDemoStep> Steps { get; } =
    [
        new StartControlPlane(),
        new MakePeople(),
        new StartAgents(),
        new Publish(V1, "gateway-policy/policy.json"),
        new ShowUpdateLimit("risk policy", "risk-policy/policy.json"),
        new SetBaseline(V1),
        new CheckDecisions(V2),
        new Publish(V2, "gateway-policy/policy.v2.json"),
        new RollOut(V2, "demo/plan.json"),
        new ProveIt(V2),
        new StopEverything(),
    ];
}
