using System.Text.Json.Nodes;

namespace OrleansPolicy.Grains.Storage;

/// <summary>One step that brings a stored state to the next version of its form.</summary>
/// <param name="State">The state's type.</param>
/// <param name="From">The version it reads; the result is of the version after.</param>
/// <param name="Apply">The new form. It may change what it is given.</param>
public sealed record StateUpgrade(Type State, int From, Func<JsonObject, JsonObject> Apply);

/// <summary>The version in which a state is written. Raise it with every change that older readers or data do not fit, and add a <see cref="StateUpgrade"/>.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class StateVersionAttribute(int version) : Attribute
{
    /// <summary>1 or higher.</summary>
    public int Version { get; } = version;
}
