using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>What reading the rules of one bundle shares.</summary>
/// <param name="Problems">Where everything wrong is noted.</param>
/// <param name="Strict">Whether unknown fields are refused where they would otherwise be passed over.</param>
/// <param name="Data">The bundle's <c>data</c>, which operands may refer to; undefined where there is none.</param>
/// <param name="Paths">The places of the input that the rules look at.</param>
internal sealed record RuleReadContext(ProblemList Problems, bool Strict, JsonElement Data, PathTable Paths)
{
    /// <summary>The regular expressions read so far, null for those that are refused: rules repeat them, and building one takes long.</summary>
    public Dictionary<string, Regex?> Regexes { get; } = new(StringComparer.Ordinal);

    /// <summary>Notes a problem.</summary>
    public void Refuse(string code, string message, JsonPlace path) => Problems.Add(code, message, path.ToString());
}
