using System.CommandLine;
using OrleansPolicy.Client;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl window</c>: when rollouts may go forward, and when not.</summary>
internal static class WindowCommands
{
    public static Command Create(CliHost host) => new("window", "Freeze windows: when rollouts may go forward, and when not. Nothing keeps them from going back.")
    {
        List(host), Set(host), Remove(host),
    };

    private static Command List(CliHost host) => new Command("ls", "Windows, each with the next time it is there.").Does(host, async (context, cancellationToken) =>
    {
        var windows = await context.Client.ListWindowsAsync(cancellationToken);
        context.Output.Answer(windows, o =>
        {
            var table = Show.Table("window", "kind", "fleet", "starts", "ends", "zone", "repeats", "next from", "to", "reason");
            foreach (var window in windows)
            {
                var next = window.Next.FirstOrDefault();
                table.Row(
                    window.Name, Show.Word(window.Kind), window.Fleet ?? "all", window.Starts, window.Ends, window.Zone, Repeats(window),
                    Show.Time(next?.From), Show.Time(next?.To), window.Reason);
            }

            o.Table(table);
        });
        return ExitCodes.Ok;
    });

    private static Command Set(CliHost host)
    {
        var name = NameArgument();
        var kind = new Argument<FreezeKind>("kind") { Description = "deny: nothing goes forward within it. allow: nothing goes forward outside it." };
        var starts = new Option<string>("--starts") { Description = "When it begins first, local: 2026-12-18T18:00.", Required = true };
        var ends = new Option<string>("--ends") { Description = "When it ends that time, local.", Required = true };
        var zone = new Option<string>("--zone") { Description = "The time zone of these times, such as Europe/Berlin.", DefaultValueFactory = _ => "UTC" };
        var fleet = new Option<string?>("--fleet") { Description = "The one fleet it is for (default: all of the tenant's)." };
        var repeats = new Option<FreezeRepeat>("--repeats") { Description = "never, weekly or yearly.", DefaultValueFactory = _ => FreezeRepeat.Never };
        var days = new Option<DayOfWeek[]>("--days")
        {
            Description = "Of a weekly one: the days on which one begins, such as monday tuesday (default: that of its first).",
            AllowMultipleArgumentsPerToken = true,
        };
        var until = new Option<string?>("--until") { Description = "From when on none begins, local (default: it comes for ever)." };
        var reason = ReasonOption.Demand();
        return new Command("set", "Set one, in the place of the one of that name.") { name, kind, starts, ends, zone, fleet, repeats, days, until, reason }
            .Does(host, async (context, cancellationToken) =>
            {
                var window = await context.Client.SetWindowAsync(
                    context.Get(name),
                    new NewWindow(context.Get(kind), context.Required(zone), context.Required(starts), context.Required(ends), context.Required(reason))
                    {
                        Fleet = context.Get(fleet),
                        Repeats = context.Get(repeats),
                        Days = [.. context.Get(days) ?? []],
                        Until = context.Get(until),
                    },
                    cancellationToken);
                context.Output.Answer(window, o => o.Facts(
                [
                    ("window", window.Name), ("kind", Show.Word(window.Kind)), ("fleet", window.Fleet ?? "all"), ("starts", window.Starts), ("ends", window.Ends),
                    ("zone", window.Zone), ("repeats", Repeats(window)), ("until", window.Until), ("reason", window.Reason),
                    .. window.Next.Select(next => ("next", (string?)$"{Show.Time(next.From)} to {Show.Time(next.To)}")),
                ]));
                return ExitCodes.Ok;
            });
    }

    private static Command Remove(CliHost host)
    {
        var name = NameArgument();
        var reason = ReasonOption.Demand();
        return new Command("rm", "Take one away.") { name, reason }.Does(host, async (context, cancellationToken) =>
        {
            await context.Client.RemoveWindowAsync(context.Get(name), context.Required(reason), cancellationToken);
            context.Output.Answer(new { Name = context.Get(name), Removed = true }, o => o.Line($"{context.Get(name)} is taken away."));
            return ExitCodes.Ok;
        });
    }

    private static Argument<string> NameArgument() => new("window") { Description = "The window's name." };

    private static string Repeats(WindowAnswer window) =>
        window.Days.IsEmpty ? Show.Word(window.Repeats) : $"{Show.Word(window.Repeats)}: {string.Join(' ', window.Days.Select(Show.Word))}";
}
