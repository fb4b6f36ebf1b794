namespace Orleans.Core;

/// <summary>Moves a state between a grain and its storage.</summary>
public interface IStorage
{
    /// <summary>Null: nothing was ever written.</summary>
    string? Etag { get; }

    bool RecordExists { get; }

    Task ReadStateAsync();

    Task ReadStateAsync(CancellationToken cancellationToken);

    /// <summary>Throws <see cref="Storage.InconsistentStateException"/> where somebody else wrote meanwhile.</summary>
    Task WriteStateAsync();

    Task WriteStateAsync(CancellationToken cancellationToken);

    Task ClearStateAsync();

    Task ClearStateAsync(CancellationToken cancellationToken);
}

/// <summary>With the state itself.</summary>
public interface IStorage<TState> : IStorage
{
    TState State { get; set; }
}
