namespace OrleansPolicy.Client;

/// <summary>The decision log of the control plane.</summary>
internal sealed class ControlPlaneLog(PolicyClient client, string fleet) : ILogDestination
{
    public Task DeliverAsync(LogBatch batch, CancellationToken cancellationToken) =>
        client.SendDecisionsAsync(fleet, batch.Id, batch.Lines, cancellationToken);

    public void Dispose()
    {
    }
}
