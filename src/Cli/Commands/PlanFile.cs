using System.Text.Json;

namespace OrleansPolicy.Cli.Commands;

/// <summary>A plan's file holds the plan, or an object with it under <c>rollout_wedge</c>.</summary>
internal static class PlanFile
{
    public static JsonElement Unwrap(JsonElement file) =>
        file.ValueKind == JsonValueKind.Object && file.TryGetProperty("rollout_wedge", out var plan) ? plan : file;
}
