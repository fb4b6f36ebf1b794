namespace Orleans.Concurrency;

/// <summary>This method may run while others of the same activation await.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AlwaysInterleaveAttribute : Attribute;
