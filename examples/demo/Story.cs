using OrleansPolicy.Demo.Steps;

namespace OrleansPolicy.Demo;

/// <summary>What is told, in order.</summary>
internal static class Story
{
    private const string V1 = "gateway policy v1";
    private const string V2 = "gateway policy v2";
    private const string V3 = "gateway policy v3";
    private const string V4 = "gateway policy v4";
    private const string V5 = "gateway policy v5";
    private const string NextExample = "gateway-policy/policy.v2.json";
    private const string QuickPlan = "demo/plan-quick.json";

    /// <summary>What the audit tells of the rollouts of v2 to v5, in order.</summary>
    private static readonly string[] Codes =
    [
        "RWG-001", "RWG-001", "RWG-001", "RWG-004",
        "RWG-001", "RWG-001", "RWG-003",
        "RWG-001", "RWG-001", "RWG-004",
        "RWG-003",
    ];

    public static IReadOnlyList<IDemoStep> Steps { get; } =
    [
        new StartControlPlane(),
        new MakePeople(),
        new StartAgents(),
        new Publish(V1, "gateway-policy/policy.json"),
        new ShowUpdateLimit("risk policy", "risk-policy/policy.json"),
        new SetBaseline(V1),
        new CheckDecisions(V1),
        new Publish(V2, NextExample),
        new RollOut(V2, "demo/plan.json"),
        new Publish(V3, NextExample, "1.2.0"),
        new TakeBackErrors(V3, V2, QuickPlan),
        new Publish(V4, NextExample, "1.3.0"),
        new SurviveKill(V4, QuickPlan),
        new Publish(V5, NextExample, "1.4.0"),
        new TakeBackRefused(V5, V4, QuickPlan),
        new ProveIt(V4, Codes),
        new StopEverything(),
    ];
}
