using System.Text.Json;

namespace OrleansPolicy.Grains.Tests.Cluster;

/// <summary>Plans for the tests. Windows last one contract hour.</summary>
public static class Plans
{
    /// <summary>Four stages that go on by themselves.</summary>
    public const string Doubling = """
        {
          "wedge_stages": [
            {"stage_id": "one", "target_percentage": 12.5, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"},
            {"stage_id": "two", "target_percentage": 25, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"},
            {"stage_id": "three", "target_percentage": 50, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"},
            {"stage_id": "four", "target_percentage": 100, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"}
          ],
          "initial_percentage": 12.5, "increment_policy": "exponential", "max_blast_radius": 100, "observation_window_hours": 1, "min_samples": 5
        }
        """;

    /// <summary>Four stages, each left with a person's approval.</summary>
    public const string Manual = """
        {
          "wedge_stages": [
            {"stage_id": "canary", "target_percentage": 5, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"},
            {"stage_id": "early", "target_percentage": 20, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"},
            {"stage_id": "half", "target_percentage": 50, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"},
            {"stage_id": "all", "target_percentage": 100, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"}
          ],
          "initial_percentage": 5, "increment_policy": "manual", "max_blast_radius": 100, "observation_window_hours": 1, "min_samples": 5
        }
        """;

    /// <summary><see cref="Doubling"/>, shown before it is enforced: a tenth of the decisions may differ.</summary>
    public static string Shown { get; } = Doubling.Replace(
        "\"min_samples\": 5", "\"min_samples\": 5, \"shadow\": true, \"backtest\": {\"max_changed_decisions\": \"10%\"}", StringComparison.Ordinal);

    public static JsonElement Read(string plan) => JsonElement.Parse(plan);
}
