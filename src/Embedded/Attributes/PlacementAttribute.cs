namespace Orleans.Placement;

/// <summary>Where an activation of the class is put.</summary>
[AttributeUsage(AttributeTargets.Class)]
public abstract class PlacementAttribute : Attribute;
