using System.Collections.Concurrent;
using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class ObserverTests(OneSilo silo) : IClassFixture<OneSilo>
{
    private IClusterClient Client => silo.Cluster.Client;

    [Fact]
    public async Task Grains_call_an_observer_until_its_reference_is_deleted()
    {
        var topic = Client.GetGrain<ITopicGrain>("news");
        var reader = new Reader();
        var reference = Client.CreateObjectReference<INewsObserver>(reader);
        await topic.SubscribeAsync(reference);

        await topic.PublishAsync("one");
        await Patience.UntilAsync(() => reader.News.Contains("one"), "the first news");
        Client.DeleteObjectReference<INewsObserver>(reference);
        await topic.PublishAsync("two");
        await Task.Delay(300);

        Assert.Equal(["one"], reader.News);
        GC.KeepAlive(reader);
    }

    [Fact]
    public async Task A_reference_that_is_subscribed_twice_is_one_subscriber()
    {
        var topic = Client.GetGrain<ITopicGrain>("twice");
        var reader = new Reader();
        var reference = Client.CreateObjectReference<INewsObserver>(reader);

        await topic.SubscribeAsync(reference);
        await topic.SubscribeAsync(reference);

        Assert.Equal(1, await topic.PublishAsync("once"));
        await Patience.UntilAsync(() => !reader.News.IsEmpty, "the news");
        GC.KeepAlive(reader);
    }

    [Fact]
    public async Task An_observer_may_answer()
    {
        var reader = new Reader();
        var reference = Client.CreateObjectReference<INewsObserver>(reader);

        Assert.Equal(42, await Client.GetGrain<ITopicGrain>("asks").AskAsync(reference, 21));
        GC.KeepAlive(reader);
    }

    [Fact]
    public async Task News_reaches_every_client_of_a_grain()
    {
        var topic = Client.GetGrain<ITopicGrain>("many");
        var readers = Enumerable.Range(0, 20).Select(_ => new Reader()).ToArray();
        foreach (var reader in readers)
        {
            await topic.SubscribeAsync(Client.CreateObjectReference<INewsObserver>(reader));
        }

        Assert.Equal(20, await topic.PublishAsync("all"));

        await Patience.UntilAsync(() => Array.TrueForAll(readers, reader => reader.News.Contains("all")), "all have heard it");
        GC.KeepAlive(readers);
    }

    [Fact]
    public async Task An_object_without_a_reference_cannot_be_passed() =>
        await Assert.ThrowsAnyAsync<Exception>(() => Client.GetGrain<ITopicGrain>("object").SubscribeAsync(new Reader()));

    private sealed class Reader : INewsObserver
    {
        public ConcurrentQueue<string> News { get; } = new();

        public void Heard(string news) => News.Enqueue(news);

        public Task<int> AskedAsync(int question) => Task.FromResult(2 * question);
    }
}
