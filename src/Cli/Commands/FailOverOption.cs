using System.CommandLine;
using System.Globalization;
using OrleansPolicy.Review;

namespace OrleansPolicy.Cli.Commands;

/// <summary>From which share of changed decisions on the answer is no.</summary>
internal static class FailOverOption
{
    public static Option<string?> Create() => new("--fail-over")
    {
        Description = "Exit code 1 where something else happens for more than this share of the decisions, such as 0.1%, or where there is nothing to compare.",
        HelpName = "percent",
    };

    public static decimal? Read(string? text) => text is null ? null
        : decimal.TryParse(text.TrimEnd().TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent <= 100 ? percent
        : throw CliException.Usage($"--fail-over is a share in percent such as 0.1%, not '{text}'.");

    public static bool Passes(decimal? limit, DecisionDiff diff) => limit is not { } most || (diff.Compared > 0 && diff.ChangedPercentage <= most);
}
