namespace Orleans.Runtime;

/// <summary>The activation whose turn runs now.</summary>
public interface IGrainContextAccessor
{
    IGrainContext GrainContext { get; }
}
