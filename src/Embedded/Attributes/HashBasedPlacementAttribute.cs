namespace Orleans.Placement;

/// <summary>On the silo that the hash of the identity points to.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false)]
public sealed class HashBasedPlacementAttribute : PlacementAttribute;
