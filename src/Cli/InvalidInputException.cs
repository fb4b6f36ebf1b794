using System.Collections.Immutable;

namespace OrleansPolicy.Cli;

/// <summary>A file could be read and is not valid, with everything that is wrong with it. Ends a command with exit code 1.</summary>
internal sealed class InvalidInputException(string code, string message, ImmutableArray<Problem> problems) : Exception(message)
{
    public string Code { get; } = code;

    public ImmutableArray<Problem> Problems { get; } = problems;
}
