using OrleansPolicy.Client;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Cli.Commands;

/// <summary>Follows a rollout to its end, with a line for each change; as JSON, one document for each change.</summary>
internal static class RolloutWatch
{
    private const int BarChars = 30;
    private const int UnreachableMax = 30;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    public static async Task<int> RunAsync(CliContext context, string rolloutId, CancellationToken cancellationToken)
    {
        (RolloutPhase, string?, decimal, string, int)? shown = null;
        var unreachable = 0;
        while (true)
        {
            RolloutView now;
            try
            {
                now = await context.Client.GetRolloutAsync(rolloutId, cancellationToken);
                unreachable = 0;
            }
            catch (PolicyUnreachableException e) when (++unreachable < UnreachableMax)
            {
                // A control plane that restarts goes on with the rollout: so does the watch.
                context.Output.Note(e.Message);
                await Task.Delay(LookInterval, cancellationToken);
                continue;
            }

            var looks = (now.State, now.StageId, now.Percentage, now.Why.Code, now.Nodes?.Acked ?? 0);
            if (shown != looks)
            {
                shown = looks;
                context.Output.Answer(now, o => o.Line(Line(now)));
            }

            if (now.State is RolloutPhase.Complete or RolloutPhase.RolledBack)
            {
                return now.State == RolloutPhase.Complete ? ExitCodes.Ok : ExitCodes.No;
            }

            await Task.Delay(LookInterval, cancellationToken);
        }
    }

    private static string Line(RolloutView now) =>
        $"{DateTimeOffset.Now:HH:mm:ss}  {Show.Word(now.State),-11}  {now.StageId ?? "-",-12}  {Show.Percent(now.Percentage),7}  "
        + $"{Show.Bar(now.Percentage, BarChars)}  {now.Nodes?.Acked ?? 0}/{now.Nodes?.Assigned ?? 0} ACKed  {now.Why.Sentence}";
}
