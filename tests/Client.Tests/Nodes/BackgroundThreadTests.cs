using System.Globalization;

namespace OrleansPolicy.Client.Tests.Nodes;

public sealed class BackgroundThreadTests
{
    [Fact]
    public async Task Long_work_is_done_on_a_thread_that_stands_back_while_the_caller_does_not()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere the priority of the thread says it.");
        var before = Niceness();

        Assert.Equal(Math.Min(before + 10, 19), await BackgroundThread.RunAsync(Niceness));
        Assert.Equal(before, Niceness());
    }

    [Fact]
    public async Task What_the_work_throws_is_thrown_where_it_is_waited_for() => Assert.Equal(
        "no", (await Assert.ThrowsAsync<PolicyLoadException>(() => BackgroundThread.RunAsync<int>(() => throw new PolicyLoadException("code", "no")))).Message);

    // The 19th field; the second is the name, in brackets.
    private static int Niceness()
    {
        var stat = File.ReadAllText("/proc/thread-self/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
    }
}
