namespace Orleans.Concurrency;

/// <summary>All methods of this class may interleave at their awaits.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ReentrantAttribute : Attribute;
