using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace OrleansPolicy.Client.Tests;

/// <summary>Waits for something that will be true soon, and says what was not, instead of sleeping for luck.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static async Task Holds(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        var started = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(started.Elapsed < Deadline, $"not true within {Deadline.TotalSeconds} s: {what}");
            await Task.Delay(10);
        }
    }
}
