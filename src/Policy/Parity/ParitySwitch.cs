namespace OrleansPolicy.Parity;

/// <summary>A group on its way from one hash to another. A durable row that exists only as long as the way does.</summary>
/// <param name="Group">The group's name.</param>
/// <param name="Epoch">The directive that it goes to. Under a later one the row still says what the group ran before.</param>
/// <param name="Phase"><see cref="ParityPhase.Prepare"/> or <see cref="ParityPhase.Quiesce"/>: a committed switch is no row.</param>
/// <param name="From">The hash that every serving member serves; null: none serves any.</param>
/// <param name="Since">When it came into this phase, for people.</param>
public sealed record ParitySwitch(string Group, long Epoch, ParityPhase Phase, string? From, DateTimeOffset Since);
