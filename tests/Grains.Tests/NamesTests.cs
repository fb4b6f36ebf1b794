using System.Reflection;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Tests;

/// <summary>Names that outlive a version: whoever renames a class must not rename what is stored or sent.</summary>
public class NamesTests
{
    private static readonly Assembly[] Assemblies = [typeof(StateNames).Assembly, typeof(IFleetGrain).Assembly];

    private static IEnumerable<Type> Grains => Assemblies.SelectMany(assembly => assembly.GetTypes())
        .Where(type => typeof(Grain).IsAssignableFrom(type) && !type.IsAbstract);

    private static IEnumerable<Type> Interfaces => Assemblies.SelectMany(assembly => assembly.GetTypes())
        .Where(type => type.IsInterface && typeof(IAddressable).IsAssignableFrom(type));

    [Fact]
    public void No_two_grain_classes_share_a_state_name()
    {
        var names = Grains.SelectMany(grain => grain.GetConstructors().SelectMany(constructor => constructor.GetParameters())
            .Select(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>())
            .OfType<PersistentStateAttribute>()
            .Select(attribute => attribute.StateName)).ToList();

        Assert.NotEmpty(names);
        Assert.Equal(names.Distinct(StringComparer.OrdinalIgnoreCase).Count(), names.Count);
    }

    [Fact]
    public void Every_grain_class_has_a_fixed_name_of_its_own()
    {
        var names = Grains.Select(grain => grain.GetCustomAttributesData()
            .SingleOrDefault(attribute => attribute.AttributeType == typeof(GrainTypeAttribute))?.ConstructorArguments[0].Value as string).ToList();

        Assert.All(names, name => Assert.StartsWith("policy.", name, StringComparison.Ordinal));
        Assert.Equal(names.Distinct().Count(), names.Count);
    }

    [Fact]
    public void Every_interface_and_every_method_has_a_fixed_alias()
    {
        foreach (var type in Interfaces)
        {
            Assert.True(type.IsDefined(typeof(AliasAttribute)), $"{type} has no alias");
            var aliases = type.GetMethods().Select(method => method.GetCustomAttribute<AliasAttribute>()?.Alias).ToList();
            Assert.DoesNotContain(null, aliases);
            Assert.Equal(aliases.Distinct().Count(), aliases.Count);
        }
    }
}
