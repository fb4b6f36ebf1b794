using System.CommandLine;
using System.Globalization;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl history</c>: who changed what, when, why and through which interface, on one page.</summary>
internal static class HistoryCommand
{
    // What people call a thing, and where the audit has it.
    private static readonly Dictionary<string, string> PlaceByKind = new(StringComparer.Ordinal)
    {
        ["bundle"] = "bundles",
        ["fleet"] = "fleets",
        ["tag"] = "tags",
        ["key"] = "keys",
        ["run"] = "runs",
        ["tenant"] = "tenants",
        ["window"] = "windows",
        ["wave"] = "waves",
    };

    public static Command Create(CliHost host)
    {
        var subject = new Argument<string?>("object")
        {
            Description = "What: fleet/edge, a bundle (a hash, a version, tag:NAME, tag:NAME@FLEET, run:ID), tag/stable, admission, line, caps, trust, run/ID, "
                + "or any subject of the audit, with all that is below it (default: everything).",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var actor = new Option<string?>("--by") { Description = "Only what this person or program did." };
        var since = new Option<DateTimeOffset?>("--since") { Description = "Only from this moment on.", HelpName = "time" };
        var until = new Option<DateTimeOffset?>("--until") { Description = "Only before this moment.", HelpName = "time" };
        var before = new Option<long?>("--before") { Description = "Only entries before this number: the next page.", HelpName = "seq" };
        var limit = new Option<int>("--limit") { Description = "At most so many, up to 1,000.", DefaultValueFactory = _ => 50 };
        return new Command("history", "Who changed what, when, why and through which interface; newest first.") { subject, actor, since, until, before, limit }
            .Does(host, async (context, cancellationToken) =>
            {
                var query = new AuditQuery(
                    await SubjectOfAsync(context, context.GetOptional(subject), cancellationToken), context.Get(actor), context.Get(since), context.Get(until),
                    context.Get(before));
                var entries = await context.Client.FindAuditAsync(query, context.Get(limit), cancellationToken);
                context.Output.Answer(entries, o =>
                {
                    if (entries.Length == 0)
                    {
                        o.Line(query.Subject is { } of ? $"Nothing is on record of {of}." : "Nothing is on record.");
                        return;
                    }

                    var table = Show.Table("seq", "when", "who", "through", "what", "object", "why");
                    foreach (var (seq, draft, _, _) in entries)
                    {
                        table.Row(
                            seq.ToString(CultureInfo.InvariantCulture), Show.Time(draft.At), draft.Actor, draft.Interface ?? "", draft.Action, draft.Subject,
                            draft.Reason ?? "");
                    }

                    o.Table(table);
                });
                return ExitCodes.Ok;
            });
    }

    private static async Task<string?> SubjectOfAsync(CliContext context, string? text, CancellationToken cancellationToken)
    {
        if (text is null)
        {
            return null;
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0)
        {
            return PlaceByKind.TryGetValue(text[..slash], out var place) ? place + text[slash..] : text;
        }

        if (text is "admission" or "line" or "caps" or "trust" or "bundles" or "fleets" or "tags" or "keys" or "runs" or "tenants")
        {
            return text;
        }

        return "bundles/" + (await context.Client.GetBundleAsync(text, cancellationToken)).PolicyHash;
    }
}
