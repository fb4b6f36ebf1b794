using System.Diagnostics;
using System.Text.RegularExpressions;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Telemetry;

[Collection(OneControlPlane.Name)]
public sealed partial class AlertRulesTests(ControlPlane plane)
{
    private static readonly string Folder = Repository.PathOf("deploy/prometheus");

    [Fact]
    public async Task Every_metric_that_a_rule_names_is_exposed_under_that_name()
    {
        var exposed = TypeLine().Matches((await plane.Admin.GetAsync("/metrics")).Text).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        var named = Directory.GetFiles(Folder, "*.yml").Where(file => !file.EndsWith(".test.yml", StringComparison.Ordinal))
            .SelectMany(file => MetricName().Matches(File.ReadAllText(file))).Select(match => match.Value).Distinct().ToList();

        Assert.Contains("titan_execution_armed_state", named);
        Assert.Contains("titan_brain_leader_promotions_total", named);
        Assert.All(named, name => Assert.Contains(Suffix().Replace(name, ""), exposed));
    }

    [Theory]
    [InlineData("check", "rules", "policy.rules.yml")]
    [InlineData("test", "rules", "policy.rules.test.yml")]
    public async Task The_rules_hold_before_promtool(params string[] arguments)
    {
        var start = new ProcessStartInfo("promtool", arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true };
        Process? started = null;
        try
        {
            started = Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("promtool is not installed (Debian: apt-get install prometheus): the rules were not tried.");
        }

        using var promtool = started!;
        var output = promtool.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = promtool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await promtool.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(promtool.ExitCode == 0, await output + await error);
    }

    [GeneratedRegex(@"^# TYPE (\S+) ", RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"\b(policy|titan|unison)_[a-z_]+\b")]
    private static partial Regex MetricName();

    // A histogram's series.
    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
