namespace OrleansPolicy.Cli;

/// <summary>What a script can go by.</summary>
internal static class ExitCodes
{
    /// <summary>Done, or the answer is yes.</summary>
    public const int Ok = 0;

    /// <summary>The answer is no: not valid, not converged, rolled back, the chain is broken.</summary>
    public const int No = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The control plane refuses: no permission, a conflict, bad input.</summary>
    public const int Refused = 3;

    /// <summary>The control plane cannot be reached.</summary>
    public const int Unreachable = 4;

    /// <summary>A local file cannot be read or written, or holds something else.</summary>
    public const int File = 5;

    /// <summary>The update limiter refuses for now.</summary>
    public const int NotNow = 6;

    /// <summary>A deployment by the runbook was taken back.</summary>
    public const int RolledBack = 7;

    /// <summary>A deployment by the runbook is disarmed and not proven to run what it ran before: somebody must look.</summary>
    public const int Stuck = 8;

    /// <summary>Interrupted from the keyboard.</summary>
    public const int Interrupted = 130;

    /// <summary>The same for people, at the end of every help text.</summary>
    public const string Help =
        "Exit codes: 0 ok, 1 the answer is no, 2 usage, 3 refused by the control plane, 4 unreachable, 5 a local file, "
        + "6 not now (update limit; see --wait), 7 and 8 see deploy, 130 interrupted.";
}
