using OrleansPolicy.Silo.Hosting;

namespace OrleansPolicy.Silo.Tests.Hosting;

public sealed class BurstGaugeTests
{
    private const long Mb = 1024 * 1024;
    private readonly BurstGauge _gauge = new();

    [Fact]
    public void A_burst_is_over_when_little_is_allocated_and_much_is_held()
    {
        Assert.False(_gauge.IsOver(200 * Mb, 50 * Mb));
        Assert.False(_gauge.IsOver(500 * Mb, 800 * Mb));
        Assert.False(_gauge.IsOver(500 * Mb, 500 * Mb));
        Assert.True(_gauge.IsOver(500 * Mb, 100 * Mb));
    }

    [Fact]
    public void After_a_trim_it_begins_anew()
    {
        _gauge.IsOver(200 * Mb, 50 * Mb);
        _gauge.IsOver(500 * Mb, 800 * Mb);
        _gauge.Trimmed(240 * Mb);

        // What grows back by itself under the same load is needed, and not trimmed again.
        Assert.False(_gauge.IsOver(350 * Mb, 100 * Mb));
        Assert.False(_gauge.IsOver(370 * Mb, 90 * Mb));
        Assert.False(_gauge.IsOver(600 * Mb, 700 * Mb));
        Assert.True(_gauge.IsOver(600 * Mb, 100 * Mb));
    }

    [Fact]
    public void A_process_that_is_always_as_busy_is_left_alone()
    {
        for (var tick = 0; tick < 100; tick++)
        {
            Assert.False(_gauge.IsOver((200 + tick) * 2 * Mb, 400 * Mb));
        }
    }

    [Fact]
    public void A_small_heap_is_left_alone()
    {
        Assert.False(_gauge.IsOver(20 * Mb, 500 * Mb));
        Assert.False(_gauge.IsOver(80 * Mb, 1 * Mb));
    }
}
