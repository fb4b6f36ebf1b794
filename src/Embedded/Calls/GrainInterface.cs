using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Reflection;

namespace Orleans.Runtime;

/// <summary>The methods of a grain interface and of those it extends.</summary>
internal sealed class GrainInterface
{
    private static readonly ConcurrentDictionary<Type, GrainInterface> s_known = new();

    private readonly FrozenDictionary<MethodInfo, GrainMethod> _methods;

    private GrainInterface(Type type)
    {
        Type = type;
        _methods = new[] { type }.Concat(type.GetInterfaces())
            .SelectMany(declaring => declaring.GetMethods(BindingFlags.Public | BindingFlags.Instance))
            .Where(method => method.IsAbstract)
            .ToFrozenDictionary(method => method, method => new GrainMethod(type, method));
    }

    public Type Type { get; }

    public GrainMethod this[MethodInfo method] => _methods[method];

    public static GrainInterface Of(Type type) => s_known.GetOrAdd(
        type,
        static type => type.IsInterface && type.IsAssignableTo(typeof(IAddressable))
            ? new GrainInterface(type)
            : throw new ArgumentException($"{type} is not a grain interface.", nameof(type)));
}
