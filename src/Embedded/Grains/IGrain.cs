using Orleans.Runtime;

namespace Orleans;

/// <summary>What every grain interface extends.</summary>
public interface IGrain : IAddressable;

/// <summary>A grain whose key is text.</summary>
public interface IGrainWithStringKey : IGrain;

/// <summary>A grain whose key is a GUID.</summary>
public interface IGrainWithGuidKey : IGrain;

/// <summary>A grain whose key is a 64-bit integer.</summary>
public interface IGrainWithIntegerKey : IGrain;
