using System.CommandLine;

namespace OrleansPolicy.Cli.Commands;

/// <summary>Every change has a reason, and the audit keeps it.</summary>
internal static class ReasonOption
{
    public static Option<string> Create() => new("--reason", "-r") { Description = "Why; the audit keeps it.", DefaultValueFactory = _ => "by policyctl, no reason given" };

    /// <summary>Where others will act on the reason: nobody is told to wait for nothing.</summary>
    public static Option<string> Demand() => new("--reason", "-r") { Description = "Why; the audit keeps it.", Required = true };
}
