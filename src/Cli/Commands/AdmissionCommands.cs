using System.CommandLine;
using OrleansPolicy.Admission;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl admission</c>: how often the tenant may update its policy.</summary>
internal static class AdmissionCommands
{
    public static Command Create(CliHost host) => new("admission", "How often the tenant may update its policy.")
    {
        Show(host), Config(host),
    };

    private static Command Show(CliHost host) => new Command("show", "The limit, and when the next update is admitted. Exit code 1: not now.")
        .Does(host, async (context, cancellationToken) =>
        {
            var answer = await context.Client.PeekAdmissionAsync(cancellationToken);
            context.Output.Answer(answer, o => Print(o, answer));
            return answer.Allowed ? ExitCodes.Ok : ExitCodes.No;
        });

    private static Command Config(CliHost host)
    {
        var perMinute = new Option<double>("--per-minute") { Description = "Updates a minute.", DefaultValueFactory = _ => 10 };
        var interval = new Option<double>("--min-interval") { Description = "Seconds between two updates.", DefaultValueFactory = _ => 6 };
        return new Command("config", "Change the limit.") { perMinute, interval }.Does(host, async (context, cancellationToken) =>
        {
            var answer = await context.Client.ConfigureAdmissionAsync(
                new UpdateLimit(context.Get(perMinute), context.Get(interval)), null, cancellationToken);
            context.Output.Answer(answer, o => Print(o, answer));
            return ExitCodes.Ok;
        });
    }

    private static void Print(CliOutput output, AdmissionAnswer answer) => output.Facts(
        ("now", answer.Allowed ? "an update is admitted" : $"not before {Cli.Show.Number(answer.TimeUntilNextSec)} s"),
        ("tokens", $"{Cli.Show.Number(answer.Tokens)} of {Cli.Show.Number(answer.Limit)}"),
        ("min interval", $"{Cli.Show.Number(answer.MinIntervalSec)} s"));
}
