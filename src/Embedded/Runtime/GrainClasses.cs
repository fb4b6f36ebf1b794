using System.Collections.Concurrent;
using System.Reflection;

namespace Orleans.Runtime;

/// <summary>The grain classes of this process: those in assemblies that reference the engine, found without being told.</summary>
internal static class GrainClasses
{
    private static readonly string s_engine = typeof(GrainClasses).Assembly.GetName().Name!;
    private static readonly Lock s_gate = new();
    private static readonly HashSet<string> s_scanned = [];
    private static readonly ConcurrentDictionary<GrainType, GrainClass> s_byType = new();
    private static readonly ConcurrentDictionary<(Type, string?), GrainClass> s_byInterface = new();

    public static IEnumerable<GrainClass> All
    {
        get
        {
            Scan();
            return s_byType.Values;
        }
    }

    public static GrainClass? Find(GrainType type)
    {
        if (s_byType.TryGetValue(type, out var found))
        {
            return found;
        }

        Scan();
        return s_byType.GetValueOrDefault(type);
    }

    /// <summary>The class that implements an interface; <paramref name="prefix"/> of its full name decides among several.</summary>
    public static GrainClass Implementing(Type @interface, string? prefix)
    {
        if (s_byInterface.TryGetValue((@interface, prefix), out var found))
        {
            return found;
        }

        Scan();
        var candidates = s_byType.Values.Where(c => c.Interfaces.Contains(@interface)).ToList();
        if (!string.IsNullOrWhiteSpace(prefix))
        {
            candidates.RemoveAll(c => !c.Type.FullName!.StartsWith(prefix, StringComparison.Ordinal));
            candidates = candidates.Find(c => c.Type.FullName == prefix) is { } exact ? [exact] : candidates;
        }
        else if (candidates.Count > 1 && candidates.Find(c => c.Type.Name == @interface.Name[1..]) is { } primary)
        {
            candidates = [primary];
        }

        return candidates switch
        {
            [var only] => s_byInterface.GetOrAdd((@interface, prefix), only),
            [] => throw new ArgumentException($"Could not find an implementation for interface {@interface}."),
            _ => throw new ArgumentException(
                $"Unable to identify a single appropriate grain type for interface {@interface}: {string.Join(", ", candidates.Select(c => c.Type.FullName))}."),
        };
    }

    private static void Scan()
    {
        lock (s_gate)
        {
            var loaded = AppDomain.CurrentDomain.GetAssemblies();
            foreach (var assembly in Assembly.GetEntryAssembly() is { } entry ? loaded.Append(entry) : loaded)
            {
                ScanWithReferences(assembly);
            }
        }
    }

    private static void ScanWithReferences(Assembly assembly)
    {
        var name = assembly.GetName().Name ?? "";
        if (assembly.IsDynamic || IsFramework(name) || name == s_engine || !s_scanned.Add(name))
        {
            return;
        }

        foreach (var reference in assembly.GetReferencedAssemblies())
        {
            try
            {
                if (!IsFramework(reference.Name!) && !s_scanned.Contains(reference.Name!))
                {
                    ScanWithReferences(Assembly.Load(reference));
                }
            }
            catch (Exception exception) when (exception is FileNotFoundException or FileLoadException or BadImageFormatException)
            {
                // A reference that is not deployed has no grains to offer.
            }
        }

        if (Array.Exists(assembly.GetReferencedAssemblies(), r => r.Name == s_engine))
        {
            Add(assembly);
        }
    }

    private static bool IsFramework(string name) =>
        name.StartsWith("System", StringComparison.Ordinal) || name.StartsWith("Microsoft", StringComparison.Ordinal)
            || name is "netstandard" or "mscorlib" or "WindowsBase";

    private static void Add(Assembly assembly)
    {
        foreach (var type in assembly.GetTypes())
        {
            if (type is { IsClass: true, IsAbstract: false, IsGenericTypeDefinition: false } && type.IsAssignableTo(typeof(IGrainBase)))
            {
                var grainClass = new GrainClass(type);
                if (!s_byType.TryAdd(grainClass.GrainType, grainClass))
                {
                    throw new InvalidOperationException(
                        $"{type} and {s_byType[grainClass.GrainType].Type} have the same grain type {grainClass.GrainType}; name one by [GrainType].");
                }
            }
        }
    }
}
