using Orleans.Runtime;

namespace Orleans;

/// <summary>What an interface extends through which grains call back to a client.</summary>
public interface IGrainObserver : IAddressable;
