using System.Collections.Immutable;

namespace OrleansPolicy.Client;

/// <summary>A bundle that cannot be put in force. The message is what the node tells the control plane.</summary>
internal sealed class PolicyLoadException : Exception
{
    public PolicyLoadException(string code, string message)
        : this([new Problem(code, message)])
    {
    }

    public PolicyLoadException(ImmutableArray<Problem> problems)
        : base(problems[0].Message + (problems.Length > 1 ? $" (and {problems.Length - 1} more)" : "")) => Problems = problems;

    /// <summary>The first problem's.</summary>
    public string Code => Problems[0].Code;

    /// <summary>Everything that was found.</summary>
    public ImmutableArray<Problem> Problems { get; }
}
