namespace OrleansPolicy.Client.Tests.Cli;

public sealed class CompletionTests
{
    [Theory]
    [InlineData("bash", "complete -o default -F _policyctl policyctl")]
    [InlineData("zsh", "#compdef policyctl")]
    [InlineData("fish", "complete -c policyctl")]
    public async Task Each_shell_gets_a_script_that_asks_the_program(string shell, string line)
    {
        var run = await CliRun.RunAsync("completion", shell);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(line, run.Out, StringComparison.Ordinal);
        Assert.Contains("[suggest:", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("policyctl rollout ", "approve")]
    [InlineData("policyctl rollout st", "start")]
    [InlineData("policyctl key create x --role ", "approver")]
    [InlineData("policyctl ", "keygen")]
    public async Task What_could_come_next_is_suggested(string line, string suggestion)
    {
        var run = await CliRun.RunAsync($"[suggest:{line.Length}]", line);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(suggestion, run.Out.Split('\n').Select(l => l.Trim()));
    }
}
