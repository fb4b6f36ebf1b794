using System.Text.Json.Serialization;

namespace OrleansPolicy.Parity;

/// <summary>A node's parity group, as it stands in the node's directive.</summary>
/// <param name="Name">The group.</param>
/// <param name="FailureDomain">Its first member's domain, in which stages count the group.</param>
/// <param name="Registration">Its first member's registration number: it names this life of the group.</param>
/// <param name="Phase">How far the group has come.</param>
public sealed record GroupDirective(string Name, string FailureDomain, long Registration, ParityPhase Phase)
{
    /// <summary>
    /// Whether a cap of the stage has no room for this member, which joined after the stage was cut: it gets ready as the others do, and
    /// serves nothing until it hears that there is room. It changes nothing about the phases, nor about what the member says of them.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool OverCap { get; init; }

    /// <summary>
    /// Whether this says less than what a member heard before under the same epoch: it comes from somebody who lags, and to follow it would be
    /// to serve again after having said that nothing is served.
    /// </summary>
    public bool IsBehind(GroupDirective? heard) =>
        heard is not null && heard.Name == Name && heard.Registration == Registration && Phase < heard.Phase;

    /// <summary>Whether the phase lets a member serve a hash that it has in force.</summary>
    /// <param name="hash">What it has in force; null: nothing.</param>
    /// <param name="wanted">What the directive demands.</param>
    /// <param name="fallback">What the directive lets it serve until then; null: nothing.</param>
    public bool LetsServe(string? hash, string? wanted, string? fallback) => Phase switch
    {
        ParityPhase.Commit => hash is not null && hash == wanted,
        ParityPhase.Prepare => hash is not null && hash == fallback,
        _ => false,
    };
}

/// <summary>A member's word about its group's switch.</summary>
/// <param name="Epoch">The directive that it speaks of: the highest it has heard.</param>
/// <param name="Prepared">What the group is to run is verified and compiled here.</param>
/// <param name="Quiet">Nothing is served here before the group's switch is committed.</param>
public sealed record GroupWord(long Epoch, bool Prepared, bool Quiet);
