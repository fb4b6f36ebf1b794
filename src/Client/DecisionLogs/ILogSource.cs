namespace OrleansPolicy.Client;

/// <summary>Where batches come from: memory, or a folder on disk.</summary>
internal interface ILogSource : IAsyncDisposable
{
    /// <summary>Bytes that wait on disk.</summary>
    long BytesOnDisk { get; }

    /// <summary>The next batch, oldest first; null: nothing came for a while, or, once no more can come, nothing is left.</summary>
    Task<LogBatch?> NextAsync(CancellationToken cancellationToken);

    /// <summary>The batch is put away: it need not be kept.</summary>
    void Done(LogBatch batch);

    /// <summary>No more is written into the queue: what is in it need not wait for company.</summary>
    Task CompleteAsync();
}

/// <summary>Where batches go: the control plane, or files. Told of the same batch again, it keeps it once.</summary>
internal interface ILogDestination : IDisposable
{
    /// <exception cref="PolicyApiException">It is not taken.</exception>
    /// <exception cref="PolicyUnreachableException">Nobody answers.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    Task DeliverAsync(LogBatch batch, CancellationToken cancellationToken);
}
