namespace Orleans.Runtime;

/// <summary>What can be called: grains, references to grains, observers.</summary>
public interface IAddressable;
