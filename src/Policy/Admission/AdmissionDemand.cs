using System.Collections.Immutable;

namespace OrleansPolicy.Admission;

/// <summary>What asks for an admission: which limits it must pass and what it costs follow from it.</summary>
/// <param name="Operation">One of <see cref="Operations"/>.</param>
/// <param name="Fleet">The fleet it changes; null: none, or the whole tenant.</param>
/// <param name="Operator">The subject who asks; null: nobody in particular.</param>
public sealed record AdmissionDemand(string Operation, string? Fleet = null, string? Operator = null)
{
    /// <summary>An admission taken for something that happens elsewhere.</summary>
    public const string Admission = "admission";

    /// <summary>Publishing a bundle.</summary>
    public const string PublishBundle = "bundle.publish";

    /// <summary>Moving a tag.</summary>
    public const string MoveTag = "tag.move";

    /// <summary>Giving a fleet its first bundle.</summary>
    public const string SetBaseline = "baseline.set";

    /// <summary>Starting a rollout.</summary>
    public const string StartRollout = "rollout.start";

    /// <summary>Everything that takes an admission. Pausing, rolling back and the like are not here: nothing holds them up.</summary>
    public static ImmutableArray<string> Operations { get; } = [Admission, PublishBundle, MoveTag, SetBaseline, StartRollout];
}
