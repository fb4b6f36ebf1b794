using System.Buffers;
using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Embedded;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>
/// Copies what goes into a call and what comes out of it, so that caller and callee never share something that changes, and
/// so that what could not be sent between processes fails here too.
/// </summary>
internal sealed class GrainCopier(IReadOnlyList<JsonTypes> json)
{
    private static readonly HashSet<Type> s_unchanging =
    [
        typeof(string), typeof(decimal), typeof(DateTime), typeof(DateTimeOffset), typeof(TimeSpan), typeof(DateOnly), typeof(TimeOnly), typeof(Guid),
        typeof(Uri), typeof(Version), typeof(CancellationToken),
    ];

    private readonly ConcurrentDictionary<Type, Func<object, object?>?> _known = new();

    /// <summary>Null where nothing is copied.</summary>
    public static GrainCopier? From(IServiceProvider services) =>
        services.GetRequiredService<IOptions<EmbeddedOptions>>().Value.CopyCalls ? new GrainCopier([.. services.GetServices<JsonTypes>()]) : null;

    public object? Copy(object? value)
    {
        if (value is null or IGrainObserver or IGrain)
        {
            return value is null or GrainReference
                ? value
                : throw new ArgumentException($"{value.GetType()} cannot be passed itself, only a reference to it.", nameof(value));
        }

        var copy = _known.GetOrAdd(value.GetType(), CopyFor);
        return copy is null ? value : copy(value);
    }

    /// <summary>Null: a value of this type never changes.</summary>
    private Func<object, object?>? CopyFor(Type type)
    {
        if (NeverChanges(type))
        {
            return null;
        }

        if (typeof(JsonNode).IsAssignableFrom(type))
        {
            return value => ((JsonNode)value).DeepClone();
        }

        if (type == typeof(JsonElement))
        {
            return value => ((JsonElement)value).Clone();
        }

        if (json.FirstOrDefault(types => types.IsSupported(type)) is { } supported)
        {
            return value => ThroughJson(value, type, supported.Options);
        }

        if (type.IsArray)
        {
            return NeverChanges(type.GetElementType()!) ? value => ((Array)value).Clone() : CopyArray;
        }

        if (type.IsAssignableTo(typeof(ITuple)) && type.IsGenericType)
        {
            return CopyTuple;
        }

        if (type.IsGenericType && type.Namespace!.StartsWith("System.Collections", StringComparison.Ordinal))
        {
            var options = type.GetGenericArguments().Select(OptionsFor).FirstOrDefault(o => o is not null) ?? JsonSerializerOptions.Default;
            return value => ThroughJson(value, type, options);
        }

        throw new CodecNotFoundException($"Could not find a copier for type {type}.");
    }

    private JsonSerializerOptions? OptionsFor(Type type)
    {
        if (json.FirstOrDefault(types => types.IsSupported(type)) is { } supported)
        {
            return supported.Options;
        }

        return type.HasElementType
            ? OptionsFor(type.GetElementType()!)
            : type.GetGenericArguments().Select(OptionsFor).FirstOrDefault(o => o is not null);
    }

    private static bool NeverChanges(Type type) =>
        type.IsPrimitive
        || type.IsEnum
        || s_unchanging.Contains(type)
        || type.IsDefined(typeof(ImmutableAttribute), inherit: false)
        || type.IsAssignableTo(typeof(Exception))
        || type.IsAssignableTo(typeof(Type))
        || (type.IsGenericType && type.Namespace == "System.Collections.Immutable" && Array.TrueForAll(type.GetGenericArguments(), NeverChanges))
        || (Nullable.GetUnderlyingType(type) is { } underlying && NeverChanges(underlying));

    private static object? ThroughJson(object value, Type type, JsonSerializerOptions options)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            JsonSerializer.Serialize(writer, value, options);
        }

        return JsonSerializer.Deserialize(buffer.WrittenSpan, type, options);
    }

    private Array CopyArray(object value)
    {
        var copy = (Array)((Array)value).Clone();
        if (copy.Rank == 1)
        {
            for (var i = 0; i < copy.Length; i++)
            {
                copy.SetValue(Copy(copy.GetValue(i)), i);
            }
        }

        return copy;
    }

    private object CopyTuple(object value)
    {
        var tuple = (ITuple)value;
        var parts = Enumerable.Range(0, tuple.Length).Select(i => Copy(tuple[i])).ToArray();
        return Activator.CreateInstance(value.GetType(), BindingFlags.Public | BindingFlags.Instance, null, parts, null)!;
    }
}
