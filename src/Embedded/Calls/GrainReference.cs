using System.Reflection;

namespace Orleans.Runtime;

/// <summary>A grain or observer as its callers hold it. Two references to one identity are equal, whatever their interface.</summary>
public class GrainReference : DispatchProxy, IAddressable, IEquatable<GrainReference>
{
    private GrainInterface _interface = null!;

    public GrainId GrainId { get; private set; }

    /// <summary>Who made it; calls from outside of turns are made in its name.</summary>
    internal Participant Home { get; private set; } = null!;

    /// <summary>Where the last call went; asked first by the next one.</summary>
    internal CallTarget? LastTarget { get; set; }

    public TGrainInterface Cast<TGrainInterface>()
        where TGrainInterface : IAddressable => this.AsReference<TGrainInterface>();

    public bool Equals(GrainReference? other) => other is not null && GrainId == other.GrainId;

    public override bool Equals(object? obj) => Equals(obj as GrainReference);

    public override int GetHashCode() => GrainId.GetHashCode();

    public sealed override string ToString() => $"GrainReference:{GrainId}:{_interface.Type.Name}";

    public static bool operator ==(GrainReference? left, GrainReference? right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(GrainReference? left, GrainReference? right) => !(left == right);

    internal static GrainReference Create(GrainInterface @interface, GrainId id, Participant home)
    {
        var reference = (GrainReference)Create(@interface.Type, typeof(GrainReference));
        reference._interface = @interface;
        reference.GrainId = id;
        reference.Home = home;
        return reference;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var caller = RuntimeContext.Current?.Silo ?? Home;
        return caller.Call(this, _interface[targetMethod!], args!);
    }
}
