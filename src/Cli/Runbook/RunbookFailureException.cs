namespace OrleansPolicy.Cli.Runbook;

/// <summary>A step's answer is no: what the runbook's rollback is for. Its message says why.</summary>
internal sealed class RunbookFailureException(string message) : Exception(message);
