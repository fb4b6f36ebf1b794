using System.Text.Json;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>The originals' own cases (Vectors/wedge.json says whose), under the union of all their rules.</summary>
public sealed class WedgeVectorTests
{
    private static readonly JsonElement Vectors = Load();

    public static TheoryData<string> Validate => [.. Vectors.GetProperty("validate").EnumerateArray().Select(IdOf)];

    public static TheoryData<string> Duration => [.. Vectors.GetProperty("duration").EnumerateArray().Select(IdOf)];

    [Theory]
    [MemberData(nameof(Validate))]
    public void The_originals_plans_get_the_verdict_of_the_union(string id)
    {
        var vector = Find("validate", id);

        var reading = PlanReader.Read(vector.GetProperty("rollout_wedge"), new PlanContext());

        Assert.Equal(Listed(vector.GetProperty("errors")), reading.Errors.Select(problem => (problem.Code, problem.Path)));
        Assert.Equal(Listed(vector.GetProperty("warnings")), reading.Warnings.Select(problem => (problem.Code, problem.Path)));
        Assert.Equal(reading.Valid, reading.Plan is not null);
        var original = vector.GetProperty("original");
        Assert.Equal(original.GetProperty("check_rollout_wedge").GetBoolean() && original.GetProperty("merge_gate").GetBoolean(), reading.Valid);
    }

    [Theory]
    [MemberData(nameof(Duration))]
    public void The_originals_durations_are_planned_hours(string id)
    {
        var vector = Find("duration", id);

        Assert.Equal(vector.GetProperty("planned_hours").GetDouble(), PlanReader.PlannedHours(vector.GetProperty("rollout_wedge")));
        Assert.Equal(
            vector.GetProperty("planned_hours").GetDouble(), PlanReader.Read(vector.GetProperty("rollout_wedge"), new PlanContext()).PlannedHours);
    }

    private static (string, string)[] Listed(JsonElement problems) =>
        [.. problems.EnumerateArray().Select(problem => (problem.GetProperty("code").GetString()!, problem.GetProperty("path").GetString()!))];

    private static JsonElement Find(string set, string id) => Vectors.GetProperty(set).EnumerateArray().Single(vector => IdOf(vector) == id);

    private static string IdOf(JsonElement vector) => vector.GetProperty("id").GetString()!;

    private static JsonElement Load()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Vectors", "wedge.json")));
        return document.RootElement.Clone();
    }
}
