using OrleansPolicy.Fleets;

namespace OrleansPolicy.Parity;

/// <summary>How a parity group stands to its fleet's directive.</summary>
/// <param name="Phase">How far it has come.</param>
/// <param name="From">What every serving member serves until the switch is committed; null: none serves.</param>
/// <param name="To">What the directive demands of it; null before the fleet's first bundle.</param>
public sealed record GroupStanding(ParityPhase Phase, string? From, string? To)
{
    /// <summary>
    /// The one hash that a member may serve; null: none. In <see cref="ParityPhase.Prepare"/> it is the old one, and only where the
    /// directive lets nodes go on with it: on the way forward. What is taken back, nobody serves on.
    /// </summary>
    public string? ServedUnder(Directive directive)
    {
        ArgumentNullException.ThrowIfNull(directive);
        return Phase switch
        {
            ParityPhase.Commit => To,
            ParityPhase.Prepare when To == directive.Target && From == directive.Fallback => From,
            _ => null,
        };
    }
}
