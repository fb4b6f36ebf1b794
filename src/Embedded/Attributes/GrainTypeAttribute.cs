using Orleans.Runtime;

namespace Orleans;

/// <summary>Fixes the grain type of a class; without it the lower-case class name less its suffix "grain" is used.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false)]
public sealed class GrainTypeAttribute(string grainType) : Attribute
{
    public GrainType GetGrainType(IServiceProvider services, Type type) => GrainType.Create(grainType);
}
