namespace OrleansPolicy.Embedded.Tests.Grains;

/// <summary>What a client lets grains call.</summary>
public interface INewsObserver : IGrainObserver
{
    void Heard(string news);

    Task<int> AskedAsync(int question);
}

[Alias("test.topic")]
public interface ITopicGrain : IGrainWithStringKey
{
    Task SubscribeAsync(INewsObserver observer);

    Task<int> PublishAsync(string news);

    /// <summary>Asks the observer and waits for its answer.</summary>
    Task<int> AskAsync(INewsObserver observer, int question);
}

public sealed class TopicGrain : Grain, ITopicGrain
{
    private readonly HashSet<INewsObserver> _observers = [];

    public Task SubscribeAsync(INewsObserver observer)
    {
        _observers.Add(observer);
        return Task.CompletedTask;
    }

    public Task<int> PublishAsync(string news)
    {
        foreach (var observer in _observers)
        {
            observer.Heard(news);
        }

        return Task.FromResult(_observers.Count);
    }

    public Task<int> AskAsync(INewsObserver observer, int question) => observer.AskedAsync(question);
}
