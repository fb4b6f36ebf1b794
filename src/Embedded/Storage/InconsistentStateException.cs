using Orleans.Runtime;

namespace Orleans.Storage;

/// <summary>The row is not the one that was read: somebody else wrote it. The activation that throws it ends.</summary>
public class InconsistentStateException : OrleansException
{
    public InconsistentStateException()
    {
    }

    public InconsistentStateException(string message)
        : base(message)
    {
    }

    public InconsistentStateException(string message, Exception? innerException)
        : base(message, innerException!)
    {
    }

    public InconsistentStateException(string errorMsg, string? storedEtag, string? currentEtag)
        : base(errorMsg) => (StoredEtag, CurrentEtag) = (storedEtag, currentEtag);

    public string? StoredEtag { get; }

    public string? CurrentEtag { get; }

    internal bool IsSourceActivation { get; set; } = true;
}
