using System.Globalization;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Telemetry;

/// <summary>What is rolling out, how far, who is behind, how long the last way back took: as numbers.</summary>
[Collection(OneControlPlane.Name)]
public sealed class RolloutNumbersTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_rollout_shows_while_it_is_in_flight_and_its_way_back_when_it_is_not()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles);
        await BecomesAsync($"policy_nodes_behind{{fleet=\"edge\",tenant=\"{tenant.Name}\",why=\"unknown\"}} 40\n");
        Assert.Equal(20, (await ReadAsync()).Split('\n').Count(line => line.StartsWith($"policy_node_behind{{fleet=\"edge\",node=\"n0", StringComparison.Ordinal) && line.Contains($"\"{tenant.Name}\"", StringComparison.Ordinal)));
        await ReportAsync(tenant, baseline);
        await BecomesAsync($"policy_nodes_behind{{fleet=\"edge\",tenant=\"{tenant.Name}\",why=\"unknown\"}} 0\n");
        Assert.DoesNotContain($"node=\"n000\",tenant=\"{tenant.Name}\"", await ReadAsync(), StringComparison.Ordinal);

        var started = await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "try" });
        var id = started.Expect(201)["rollout_id"].GetString()!;
        var of = $"fleet=\"edge\",rollout=\"{id}\"";
        await BecomesAsync($"policy_rollout_percentage{{fleet=\"edge\",kind=\"rollout\",rollout=\"{id}\",stage=\"canary\",state=\"ACTIVE\",tenant=\"{tenant.Name}\",version=\"2.0.0\"}} 5\n");
        await BecomesAsync($"policy_rollout_nodes{{{of},state=\"assigned\",tenant=\"{tenant.Name}\"}} 2\n");
        await BecomesAsync("policy_rollout_verdict{code=");

        // The reason that API and CLI give too.
        (await tenant.Admin.PostAsync($"/rollouts/{id}/pause", new { reason = "wait" })).Expect(200);
        Assert.Equal("pause.operator", (await tenant.Admin.GetAsync($"/rollouts/{id}/why")).Expect(200)["code"].GetString());
        await BecomesAsync($"policy_rollout_why{{code=\"pause.operator\",{of},tenant=\"{tenant.Name}\"}} 1\n");

        (await tenant.Admin.PostAsync($"/rollouts/{id}/rollback", new { reason = "no" })).Expect(200);
        await BecomesAsync($"policy_rollback_waiting_nodes{{{of},tenant=\"{tenant.Name}\"}} 2\n");
        await ReportAsync(tenant, baseline);
        var over = $"policy_rollback_last_seconds{{fleet=\"edge\",over=\"yes\",tenant=\"{tenant.Name}\"}} ";
        await BecomesAsync(over);
        var text = await ReadAsync();
        Assert.DoesNotContain(id, text, StringComparison.Ordinal);
        var seconds = double.Parse(text.Split(over)[1].Split('\n')[0], CultureInfo.InvariantCulture);
        Assert.InRange(seconds, 0, 60);
    }

    private static async Task ReportAsync(TestTenant tenant, string hash)
    {
        var epoch = (await tenant.Admin.GetAsync("/fleets/edge"))["directive"].GetProperty("epoch").GetInt64();
        var word = new { boot_id = $"b{epoch}", seq = 1, epoch, policy_hash = hash, ack = true, metrics = new { } };
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async node => (await tenant.Admin.PostAsync($"/fleets/edge/nodes/n{node:000}/report", word)).Expect(200)));
    }

    private async Task<string> ReadAsync() => (await plane.Admin.GetAsync("/metrics")).Expect(200).Text;

    private Task BecomesAsync(string line) => Eventually.BecomesAsync(async () => (await ReadAsync()).Contains(line, StringComparison.Ordinal), true, seconds: 60);
}
