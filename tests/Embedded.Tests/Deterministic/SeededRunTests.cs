using System.Diagnostics;
using System.Globalization;
using Orleans.Embedded;

namespace OrleansPolicy.Embedded.Tests.Deterministic;

public sealed class SeededRunTests
{
    private const string SeedVariable = "ENGINE_TEST_SEED";
    private const string OutputVariable = "ENGINE_TEST_OUTPUT";

    [Fact]
    public async Task Two_processes_with_one_seed_give_the_same_trace_of_turns_and_another_seed_a_different_one()
    {
        var first = await TraceInAnotherProcessAsync(7);
        var second = await TraceInAnotherProcessAsync(7);
        var other = await TraceInAnotherProcessAsync(8);

        Assert.True(first.Length > 500, $"only {first.Length} turns");
        Assert.Equal(first, second);
        Assert.NotEqual(first, other);
    }

    [Fact]
    public void Hours_of_virtual_time_pass_in_no_time_and_everything_in_them_happens()
    {
        var trace = Workload.Trace(1);

        Assert.Contains(trace, line => line.Contains("03:00:0", StringComparison.Ordinal));
        Assert.Equal(5, trace.Count(line => line.Contains("3 reminded", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_driver_that_waits_for_nothing_is_told_so()
    {
        var run = new SeededRun(1, DateTimeOffset.UnixEpoch);

        Assert.Throws<TimeoutException>(() => run.Run(() => new TaskCompletionSource().Task, TimeSpan.FromHours(1)));
    }

    [Fact]
    public void Code_that_leaves_the_thread_is_found_out()
    {
        var run = new SeededRun(1, DateTimeOffset.UnixEpoch);

        async Task SpinAsync()
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), run.Time);
            }
        }

        async Task LeaveAsync() => await Task.Run(() => Thread.Sleep(10));

        Assert.Throws<InvalidOperationException>(() => run.Run(() => Task.WhenAll(SpinAsync(), LeaveAsync()), TimeSpan.MaxValue));
    }

    /// <summary>What the other processes run; by itself it does nothing.</summary>
    [Fact(Explicit = true)]
    public void Trace_for_another_process()
    {
        var seed = int.Parse(Environment.GetEnvironmentVariable(SeedVariable)!, CultureInfo.InvariantCulture);
        File.WriteAllLines(Environment.GetEnvironmentVariable(OutputVariable)!, Workload.Trace(seed));
    }

    private static async Task<string[]> TraceInAnotherProcessAsync(int seed)
    {
        var output = Path.GetTempFileName();
        try
        {
            var test = $"{typeof(SeededRunTests).FullName}.{nameof(Trace_for_another_process)}";
            var start = new ProcessStartInfo("dotnet", [typeof(SeededRunTests).Assembly.Location, "-explicit", "only", "-method", test])
            {
                RedirectStandardOutput = true,
            };
            start.Environment[SeedVariable] = seed.ToString(CultureInfo.InvariantCulture);
            start.Environment[OutputVariable] = output;
            using var process = Process.Start(start)!;
            var said = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, said);
            return await File.ReadAllLinesAsync(output);
        }
        finally
        {
            File.Delete(output);
        }
    }
}
