using Orleans.Runtime;

namespace Orleans;

/// <summary>Identity and references of anything addressable.</summary>
public static class GrainExtensions
{
    /// <summary>A reference that can be handed out: to a grain from inside it, or another view of a reference.</summary>
    public static TGrainInterface AsReference<TGrainInterface>(this IAddressable grain) => (TGrainInterface)grain.AsReference(typeof(TGrainInterface));

    public static object AsReference(this IAddressable grain, Type interfaceType)
    {
        ArgumentNullException.ThrowIfNull(grain);
        return grain switch
        {
            GrainReference reference => reference.Home.ReferenceTo(reference.GrainId, interfaceType),
            IGrainBase instance => ((Activation)instance.GrainContext).Silo.ReferenceTo(instance.GrainContext.GrainId, interfaceType),
            IGrainObserver => throw new ArgumentException("An observer has no reference until CreateObjectReference made one.", nameof(grain)),
            _ => throw new ArgumentException($"{grain.GetType()} is neither a grain nor a reference to one.", nameof(grain)),
        };
    }

    public static TGrainInterface Cast<TGrainInterface>(this IAddressable grain) => grain.AsReference<TGrainInterface>();

    public static GrainId GetGrainId(this IAddressable grain) => grain switch
    {
        GrainReference reference => reference.GrainId,
        IGrainBase instance => instance.GrainContext.GrainId,
        null => throw new ArgumentNullException(nameof(grain)),
        _ => throw new ArgumentException($"{grain.GetType()} has no identity.", nameof(grain)),
    };

    public static string GetPrimaryKeyString(this IAddressable grain) => grain.GetGrainId().Key.ToString();

    public static long GetPrimaryKeyLong(this IAddressable grain) => grain.GetGrainId().GetIntegerKey();

    public static Guid GetPrimaryKey(this IAddressable grain) => grain.GetGrainId().GetGuidKey();
}
