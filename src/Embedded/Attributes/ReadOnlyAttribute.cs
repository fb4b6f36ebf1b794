namespace Orleans.Concurrency;

/// <summary>Methods so marked may interleave with each other, not with others.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ReadOnlyAttribute : Attribute;
