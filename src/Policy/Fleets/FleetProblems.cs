using System.Globalization;

namespace OrleansPolicy.Fleets;

/// <summary>The codes of what can be wrong with a fleet.</summary>
public static class FleetProblems
{
    /// <summary>Nodes, or running silos, know a higher epoch than the database.</summary>
    public const string EpochBehind = "fleet.epoch_behind";

    /// <summary>The epoch asked for is not above all that are known, or beyond what a number in JSON can hold.</summary>
    public const string EpochInvalid = "fleet.epoch_invalid";

    /// <summary>The highest epoch that there can be: JSON readers of other languages hold whole numbers up to it exactly.</summary>
    public const long EpochMax = (1L << 53) - 1;

    /// <summary>The refusal of a change while the fleet is behind its nodes.</summary>
    public static Problem Behind(long known, long epoch) => new(
        EpochBehind,
        string.Create(
            CultureInfo.InvariantCulture,
            $"Epoch {known} was in force, as a node reports or as was read before; the database has {epoch}. An admin raises the fleet's epoch above it, or removes a node that lies."));

    /// <summary>What is wrong with an epoch that a fleet is to be raised to; null: nothing.</summary>
    public static Problem? CheckRaise(long epoch, long current, long? known)
    {
        var least = Math.Max(current, known ?? 0) + 1;
        return epoch >= least && epoch <= EpochMax
            ? null
            : new Problem(
                EpochInvalid, string.Create(CultureInfo.InvariantCulture, $"The epoch must be at least {least} and at most {EpochMax}."), "$.epoch");
    }
}
