using System.Collections.Immutable;

namespace OrleansPolicy.Fleets;

/// <summary>What a registration may say.</summary>
public static class RegistrationRules
{
    /// <summary>The most registrations of one request.</summary>
    public const int BatchMax = 10_000;

    /// <summary>The most labels of a node.</summary>
    public const int LabelsMax = 32;

    /// <summary>The longest label value, in characters.</summary>
    public const int LabelLengthMax = 256;

    /// <summary>Everything that is wrong: <c>name.invalid</c>, <c>node.labels</c>, <c>node.duplicate</c>, <c>node.batch_size</c>.</summary>
    public static ImmutableArray<Problem> Validate(ImmutableArray<NodeRegistration> registrations)
    {
        if (registrations.Length > BatchMax)
        {
            return [new Problem("node.batch_size", $"{registrations.Length} registrations are more than {BatchMax}.")];
        }

        var problems = ImmutableArray.CreateBuilder<Problem>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < registrations.Length; i++)
        {
            Check(registrations[i], registrations.Length == 1 ? "$" : $"$[{i}]", names, problems);
        }

        return problems.ToImmutable();
    }

    private static void Check(
        NodeRegistration registration, string path, HashSet<string> names, ImmutableArray<Problem>.Builder problems)
    {
        Add(Names.Check(registration.Node, "A node", path + ".node"));
        Add(Names.Check(registration.FailureDomain, "A failure domain", path + ".failure_domain"));
        Add(registration.Role is null ? null : Names.Check(registration.Role, "A role", path + ".role"));
        Add(registration.ParityGroup is null ? null : Names.Check(registration.ParityGroup, "A parity group", path + ".parity_group"));
        Add(AreSound(registration.Labels)
            ? null
            : new Problem("node.labels", $"At most {LabelsMax} labels, named like nodes, each at most {LabelLengthMax} characters.", path + ".labels"));
        Add(registration.Node is not null && !names.Add(registration.Node)
            ? new Problem("node.duplicate", $"'{registration.Node}' is in the request twice.", path + ".node")
            : null);

        void Add(Problem? problem)
        {
            if (problem is not null)
            {
                problems.Add(problem);
            }
        }
    }

    private static bool AreSound(ImmutableSortedDictionary<string, string>? labels) =>
        labels is not null && labels.Count <= LabelsMax
        && labels.All(label => Names.IsValid(label.Key) && label.Value is { Length: <= LabelLengthMax });
}
