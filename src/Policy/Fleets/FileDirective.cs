using OrleansPolicy.Bundles;

namespace OrleansPolicy.Fleets;

/// <summary>
/// A fleet of one: the control plane's own node runs a file of its machine (docs/HOT_RELOAD.md). The file's bundle is the directive's
/// target, so that everything else about a fleet holds for it; no lease bounds it, because nothing remote can take it back.
/// </summary>
public static class FileDirective
{
    /// <summary>The only node of such a fleet: the control plane's process itself.</summary>
    public const string Node = "local";

    /// <summary>The code of what such a fleet cannot have: another node.</summary>
    public const string Code = "fleet.file_mode";

    /// <summary>Whether the directive's target is a file.</summary>
    public static bool Holds(Directive directive)
    {
        ArgumentNullException.ThrowIfNull(directive);
        return directive.FileVersion is not null;
    }

    /// <summary>A problem where a fleet that runs a file would have these nodes.</summary>
    public static Problem? Check(IEnumerable<string> nodes) => nodes.FirstOrDefault(node => node != Node) is { } other
        ? new Problem(Code, $"The fleet runs a file of the control plane's machine, which node '{other}' cannot have: make a baseline first.")
        : null;

    /// <summary>The directive that demands a file. Fails with <c>reload.managed</c> where rollouts lead the fleet.</summary>
    /// <param name="current">What it takes the place of.</param>
    /// <param name="policyHash">The file's bundle.</param>
    /// <param name="version">Its version.</param>
    /// <param name="knownEpoch">The highest epoch that the node knows: it may have outlived the database.</param>
    public static Outcome<Directive> Load(Directive current, string policyHash, string version, long knownEpoch)
    {
        ArgumentNullException.ThrowIfNull(current);
        return current.Target is not null && !Holds(current)
            ? Outcome<Directive>.Fail(ReloadCodes.Managed, "The fleet has a baseline: what it runs is changed by a rollout, not by a file.")
            : Outcome<Directive>.Ok(new Directive
            {
                Epoch = Math.Max(current.Epoch, knownEpoch) + 1,
                ArmEpoch = current.ArmEpoch,
                Target = policyHash,
                FileVersion = version,
            });
    }
}
