namespace OrleansPolicy.Cli;

/// <summary>Ends a command with a message for the user and an exit code.</summary>
internal sealed class CliException(int exitCode, string code, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public string Code { get; } = code;

    public static CliException File(string message) => new(ExitCodes.File, "cli.file", message);

    public static CliException Usage(string message) => new(ExitCodes.Usage, "cli.usage", message);
}
