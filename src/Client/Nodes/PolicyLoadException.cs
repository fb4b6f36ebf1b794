namespace OrleansPolicy.Client;

/// <summary>A bundle that cannot be put in force. The message is what the node tells the control plane.</summary>
internal sealed class PolicyLoadException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;

    public static PolicyLoadException Of<T>(Outcome<T> failure)
    {
        var more = failure.Problems.Length > 1 ? $" (and {failure.Problems.Length - 1} more)" : "";
        return new PolicyLoadException(failure.Problems[0].Code, failure.Problems[0].Message + more);
    }
}
