namespace Orleans.Placement;

/// <summary>On any silo; what happens without an attribute too.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false)]
public sealed class RandomPlacementAttribute : PlacementAttribute;
