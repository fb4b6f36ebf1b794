using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Runs;

/// <summary>A run to record.</summary>
/// <param name="RunId">Its id: 1 to 128 letters, digits and <c>. _ : -</c>, never 64 hexadecimal characters.</param>
/// <param name="PolicyHash">The policy it ran under: the hash of a bundle or of a document.</param>
/// <param name="Ref">The same by any reference; with neither, what the fleet should run.</param>
/// <param name="Fleet">The fleet it ran in; <c>default</c> unless said.</param>
/// <param name="RegistryHash">The metric registry it ran with: 12 to 64 hexadecimal characters.</param>
/// <param name="Labels">Further facts; at most 50.</param>
/// <param name="StartedAt">When it began.</param>
public sealed partial record RunRequest(
    string? RunId, string? PolicyHash = null, string? Ref = null, string? Fleet = null, string? RegistryHash = null,
    ImmutableSortedDictionary<string, string>? Labels = null, DateTimeOffset? StartedAt = null)
{
    private const int LabelsMax = 50;
    private const int LabelLengthMax = 500;
    private const int RefLengthMax = 256;

    /// <summary>Everything that is wrong with it, with the codes <c>run.id_invalid</c>, <c>run.hash_invalid</c>, <c>run.invalid</c>, <c>name.invalid</c>.</summary>
    public ImmutableArray<Problem> Check()
    {
        var problems = ImmutableArray.CreateBuilder<Problem>();
        if (RunId is null || !IdPattern().IsMatch(RunId) || HashPattern().IsMatch(RunId))
        {
            problems.Add(new Problem("run.id_invalid", "A run's id has 1 to 128 letters, digits and . _ : -, begins with a letter or digit and is no hash.", "$.run_id"));
        }

        if (PolicyHash is not null && !HashPattern().IsMatch(PolicyHash))
        {
            problems.Add(new Problem("run.hash_invalid", "A policy's hash has 64 lower-case hexadecimal characters.", "$.policy_hash"));
        }

        if (RegistryHash is not null && !RegistryPattern().IsMatch(RegistryHash))
        {
            problems.Add(new Problem("run.hash_invalid", "A registry's hash has 12 to 64 lower-case hexadecimal characters.", "$.registry_hash"));
        }

        if (PolicyHash is not null && Ref is not null)
        {
            problems.Add(new Problem("run.invalid", "Give policy_hash or ref, not both.", "$.ref"));
        }

        if (Ref is { Length: 0 or > RefLengthMax })
        {
            problems.Add(new Problem("ref.invalid", "Name a bundle: a hash, a version, tag:NAME, tag:NAME@FLEET or run:ID.", "$.ref"));
        }

        if (Fleet is not null && Names.Check(Fleet, "A fleet's name", "$.fleet") is { } badName)
        {
            problems.Add(badName);
        }

        if (Labels is not null && (Labels.Count > LabelsMax || Labels.Any(label => label.Key.Length + (label.Value?.Length ?? LabelLengthMax) > LabelLengthMax)))
        {
            problems.Add(new Problem("run.invalid", $"At most {LabelsMax} labels of {LabelLengthMax} characters.", "$.labels"));
        }

        return problems.ToImmutable();
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex IdPattern();

    [GeneratedRegex(@"\A[0-9a-f]{64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex HashPattern();

    [GeneratedRegex(@"\A[0-9a-f]{12,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex RegistryPattern();
}
