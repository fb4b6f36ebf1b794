using System.CommandLine;
using System.Text.Json;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl audit</c>: the record of everything that was done, and the proof that nobody changed it.</summary>
internal static class AuditCommands
{
    public static Command Create(CliHost host) => new("audit", "The record of what was done, and the proof that nobody changed it.")
    {
        List(host), Verify(host),
    };

    private static Command List(CliHost host)
    {
        var after = new Option<long>("--after") { Description = "Entries after this number.", DefaultValueFactory = _ => 0 };
        var limit = new Option<int>("--limit") { Description = "At most so many, up to 1,000.", DefaultValueFactory = _ => 100 };
        var all = new Option<bool>("--all") { Description = "All of them." };
        return new Command("ls", "Entries in order.") { after, limit, all }.Does(host, async (context, cancellationToken) =>
        {
            IReadOnlyList<JsonElement> entries = context.Get(all)
                ? await context.Client.ExportAuditAsync(context.Get(after), cancellationToken).ToListAsync(cancellationToken)
                : await context.Client.ReadAuditAsync(context.Get(after), context.Get(limit), cancellationToken);
            context.Output.Answer(entries, o =>
            {
                var table = Show.Table("seq", "at", "actor", "action", "subject", "code", "stage", "reason", "hash");
                foreach (var e in entries)
                {
                    table.Row(
                        Cell(e, "seq"), Cell(e, "at") is { } at ? Show.Time(DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture)) : null,
                        Cell(e, "actor"), Cell(e, "action"), Cell(e, "subject"), Cell(e, "code"), Cell(e, "stage_id"), Cell(e, "reason"),
                        Show.Hash(Cell(e, "hash")));
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static Command Verify(CliHost host)
    {
        var head = new Option<string?>("--head") { Description = "The hash that the chain must end with: detects a cut tail.", HelpName = "hash" };
        return new Command("verify", "Check the chain. Exit code 1: it is broken.") { head }.Does(host, async (context, cancellationToken) =>
        {
            var found = await context.Client.VerifyAuditAsync(cancellationToken);
            if (found.Valid && context.Get(head) is { } expected && !expected.Equals(found.Head.Hash, StringComparison.OrdinalIgnoreCase))
            {
                found = found with { Valid = false, Problem = new Problem("audit.head", $"The chain ends with {found.Head.Hash}, not {expected}.") };
            }

            context.Output.Answer(found, o => o.Facts(
                ("valid", found.Valid ? "yes" : "no"), ("entries", Show.Number(found.Entries)), ("head", $"{found.Head.Seq} {found.Head.Hash}"),
                ("problem", found.Problem is { } p ? $"{p.Message} [{p.Code}]" : null)));
            return found.Valid ? ExitCodes.Ok : ExitCodes.No;
        });
    }

    private static string? Cell(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) ? value.ToString() : null;
}
