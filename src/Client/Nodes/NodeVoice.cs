namespace OrleansPolicy.Client;

/// <summary>How the parts of an agent make themselves heard: to the application by events, to the control plane by an early report.</summary>
internal sealed class NodeVoice(PolicyNodeOptions options)
{
    private readonly Wakeup _reporter = new(options.TimeProvider);

    public void Say(NodeEventKind kind, string code, string text, NodeEventSource source = NodeEventSource.Bundle)
    {
        try
        {
            options.OnEvent?.Invoke(new NodeEvent(options.TimeProvider.GetUtcNow(), kind, code, text) { Source = source });
        }
        catch (Exception)
        {
            // What an application does with an event must not stop the node from hearing the next one.
        }
    }

    /// <summary>Wakes the reporter.</summary>
    public void ReportSoon() => _reporter.Wake();

    /// <summary>The reporter sleeps here.</summary>
    public Task SleepAsync(TimeSpan longest, CancellationToken cancellationToken) => _reporter.SleepAsync(longest, cancellationToken);
}
