using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>A grain class: what its attributes say and how to make an instance.</summary>
internal sealed class GrainClass
{
    private const string Suffix = "grain";

    private static readonly MethodInfo s_newState = typeof(GrainClass).GetMethod(nameof(NewState), BindingFlags.NonPublic | BindingFlags.Static)!;

    private readonly ObjectFactory _create;
    private readonly List<Func<Activation, IActivationState>> _states = [];

    public GrainClass(Type type)
    {
        Type = type;
        GrainType = type.GetCustomAttribute<GrainTypeAttribute>() is { } named ? named.GetGrainType(null!, type) : TypeByConvention(type);
        Interfaces = [.. type.GetInterfaces().Where(i => i.IsAssignableTo(typeof(IGrain)))];
        MaxLocalWorkers = type.GetCustomAttribute<StatelessWorkerAttribute>()?.MaxLocalWorkers;
        Placement = type.GetCustomAttribute<PlacementAttribute>();
        CollectionAge = type.IsDefined(typeof(KeepAliveAttribute))
            ? TimeSpan.MaxValue
            : type.GetCustomAttribute<CollectionAgeLimitAttribute>()?.AgeLimit;
        Interleaves = type.IsDefined(typeof(ReentrantAttribute))
            ? static (_, _) => true
            : type.GetCustomAttribute<MayInterleaveAttribute>() is { } mayInterleave
                ? PredicateOf(type, mayInterleave.CallbackMethodName)
                : null;
        var stateTypes = new List<Type>();
        foreach (var parameter in ConstructorOf(type).GetParameters())
        {
            if (parameter.GetCustomAttribute<PersistentStateAttribute>() is { } attribute)
            {
                stateTypes.Add(parameter.ParameterType);
                var create = s_newState.MakeGenericMethod(parameter.ParameterType.GetGenericArguments())
                    .CreateDelegate<Func<Activation, PersistentStateAttribute, IActivationState>>();
                _states.Add(activation => create(activation, attribute));
            }
        }

        _create = ActivatorUtilities.CreateFactory(type, [.. stateTypes]);
    }

    public Type Type { get; }

    public GrainType GrainType { get; }

    public IReadOnlyList<Type> Interfaces { get; }

    /// <summary>How many activations of one identity a silo may have; null: one in the cluster.</summary>
    public int? MaxLocalWorkers { get; }

    public PlacementAttribute? Placement { get; }

    /// <summary>Null: the silo's default.</summary>
    public TimeSpan? CollectionAge { get; }

    /// <summary>Whether a request may run beside any other; null: none may.</summary>
    public Func<object, IInvokable, bool>? Interleaves { get; }

    /// <summary>Makes an instance and the states that are to be read before it is activated. Runs in the activation's first turn.</summary>
    public object Create(Activation activation, List<IActivationState> states)
    {
        var arguments = new object[_states.Count];
        for (var i = 0; i < arguments.Length; i++)
        {
            var state = _states[i](activation);
            arguments[i] = state;
            states.Add(state);
        }

        return _create(activation.ActivationServices, arguments);
    }

    private static PersistentState<T> NewState<T>(Activation activation, PersistentStateAttribute attribute) =>
        PersistentState<T>.Create(activation, attribute);

    private static ConstructorInfo ConstructorOf(Type type)
    {
        var constructors = type.GetConstructors();
        return Array.Find(constructors, c => c.IsDefined(typeof(ActivatorUtilitiesConstructorAttribute)))
            ?? constructors.MaxBy(c => c.GetParameters().Length)
            ?? throw new OrleansException($"{type} has no public constructor.");
    }

    private static GrainType TypeByConvention(Type type)
    {
        var name = type.Name.ToLowerInvariant();
        return GrainType.Create(name.Length > Suffix.Length && name.EndsWith(Suffix, StringComparison.Ordinal) ? name[..^Suffix.Length] : name);
    }

    private static Func<object, IInvokable, bool> PredicateOf(Type type, string name)
    {
        var method = type.GetMethod(name, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.FlattenHierarchy);
        if (method is null || method.ReturnType != typeof(bool)
            || method.GetParameters() is not [{ ParameterType: var parameter }] || parameter != typeof(IInvokable))
        {
            throw new InvalidOperationException($"{type} names {name} as its interleave predicate: a method bool {name}(IInvokable) is expected.");
        }

        if (method.IsStatic)
        {
            var predicate = method.CreateDelegate<Func<IInvokable, bool>>();
            return (_, request) => predicate(request);
        }

        return (instance, request) => (bool)method.Invoke(instance, [request])!;
    }
}
