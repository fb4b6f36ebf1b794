using Orleans.Core;

namespace Orleans.Runtime;

/// <summary>A state that is read before the grain is activated.</summary>
public interface IPersistentState<TState> : IStorage<TState>;
