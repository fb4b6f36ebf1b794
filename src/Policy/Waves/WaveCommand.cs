using System.Collections.Immutable;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Waves;

/// <summary>What can be asked of a wave.</summary>
public abstract record WaveCommand
{
    private WaveCommand()
    {
    }

    /// <summary>Looks at its fleets and decides what follows. Those of its step at least; of one that was taken back, all that had their turn.</summary>
    public sealed record Look(ImmutableArray<WaveFleet> Fleets) : WaveCommand;

    /// <summary>Halts it.</summary>
    public sealed record Pause(Actor By, string Reason) : WaveCommand;

    /// <summary>Goes on with it and with its rollouts.</summary>
    public sealed record Resume(Actor By, string Reason, ImmutableArray<WaveFleet> Fleets) : WaveCommand;

    /// <summary>Takes every fleet back that it brought the bundle to.</summary>
    public sealed record RollBack(Actor By, string Reason) : WaveCommand;

    /// <summary>Gives it up: what it brought stays, what is in flight is on its own.</summary>
    public sealed record End(Actor By, string Reason) : WaveCommand;
}
