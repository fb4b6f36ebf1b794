using System.CommandLine;
using System.Globalization;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl audit</c>: the record of everything that was done, and the proof that nobody changed it.</summary>
internal static class AuditCommands
{
    private const int QuarterDays = 90;

    public static Command Create(CliHost host) => new("audit", "The record of what was done, and the proof that nobody changed it.")
    {
        List(host), Verify(host), Report(host),
    };

    private static Command List(CliHost host)
    {
        var after = new Option<long>("--after") { Description = "Entries after this number.", DefaultValueFactory = _ => 0 };
        var limit = new Option<int>("--limit") { Description = "At most so many, up to 1,000.", DefaultValueFactory = _ => 100 };
        var all = new Option<bool>("--all") { Description = "All of them: with --json, an export that 'audit verify --file' checks." };
        return new Command("ls", "Entries in order.") { after, limit, all }.Does(host, async (context, cancellationToken) =>
        {
            IReadOnlyList<AuditEntry> entries = context.Get(all)
                ? await context.Client.ExportAuditAsync(context.Get(after), cancellationToken).ToListAsync(cancellationToken)
                : await context.Client.ReadAuditAsync(context.Get(after), context.Get(limit), cancellationToken);
            context.Output.Answer(entries, o =>
            {
                var table = Show.Table("seq", "at", "actor", "action", "subject", "code", "stage", "reason", "hash");
                foreach (var (seq, draft, _, hash) in entries)
                {
                    table.Row(
                        seq.ToString(CultureInfo.InvariantCulture), Show.Time(draft.At), draft.Actor, draft.Action, draft.Subject, draft.Code ?? "",
                        draft.StageId ?? "", draft.Reason ?? "", Show.Hash(hash));
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static Command Verify(CliHost host)
    {
        var file = new Option<string?>("--file") { Description = "Check an export here, without a control plane.", HelpName = "file" };
        var head = new Option<string?>("--head")
        {
            Description = "With --file: a head that was kept elsewhere. The chain must contain it, which a chain that was cut or computed anew does not.",
            HelpName = "seq:hash",
        };
        return new Command("verify", "Check the chain. Exit code 1: it is broken.") { file, head }.Does(host, async (context, cancellationToken) =>
        {
            var expected = context.Get(head) is { } text ? ReadHead(text) : null;
            if (context.Get(file) is null && expected is not null)
            {
                throw CliException.Usage("--head needs --file.");
            }

            var found = context.Get(file) is { } path
                ? await VerifyFileAsync(path, expected, host, cancellationToken)
                : await context.Client.VerifyAuditAsync(cancellationToken);
            context.Output.Answer(found, o => o.Facts(
                ("valid", found.Valid ? "yes" : "no"), ("entries", Show.Number(found.Entries)), ("head", $"{found.Head.Seq}:{found.Head.Hash}"),
                ("problem", found.Problem is { } p ? $"{p.Message} [{p.Code}]" : null)));
            return found.Valid ? ExitCodes.Ok : ExitCodes.No;
        });
    }

    private static Command Report(CliHost host)
    {
        var from = new Option<string?>("--from") { Description = "From this day or moment on (default: 90 days ago).", HelpName = "date" };
        var to = new Option<string?>("--to") { Description = "Up to this day or moment, which no longer counts (default: now).", HelpName = "date" };
        var file = new Option<string?>("--file") { Description = "Of an export here, without a control plane.", HelpName = "file" };
        return new Command("report", "The governance report, as Markdown or, with --json, as JSON. Exit code 1: the chain is broken.") { from, to, file }
            .Does(host, async (context, cancellationToken) =>
            {
                var until = ReadTime(context.Get(to)) ?? DateTimeOffset.UtcNow;
                var since = ReadTime(context.Get(from)) ?? until.AddDays(-QuarterDays);
                var entries = context.Get(file) is { } path
                    ? await ReadFileAsync(path, host, cancellationToken)
                    : await context.Client.ExportAuditAsync(0, cancellationToken).ToListAsync(cancellationToken);

                // A report on a record that somebody changed reports nothing.
                if (AuditChain.Verify(entries) is { Valid: false, Problem: { } broken })
                {
                    context.Output.Error(broken.Code, $"There is no report on a broken chain: {broken.Message}");
                    return ExitCodes.No;
                }

                var report = GovernanceReport.Of(entries, since, until);
                context.Output.Answer(report, o => o.Line(GovernanceMarkdown.Write(report)));
                return ExitCodes.Ok;
            });
    }

    private static DateTimeOffset? ReadTime(string? text) =>
        text is null ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time
        : throw CliException.Usage($"A date is 2026-11-20 or 2026-11-20T12:00:00Z, not '{text}'.");

    private static async Task<AuditVerification> VerifyFileAsync(string path, AuditHead? expected, CliHost host, CancellationToken cancellationToken) =>
        AuditChain.Verify(await ReadFileAsync(path, host, cancellationToken), expected);

    private static async Task<IReadOnlyList<AuditEntry>> ReadFileAsync(string path, CliHost host, CancellationToken cancellationToken)
    {
        var entries = AuditExport.Read(await CliFiles.ReadAsync(path, host, cancellationToken));
        return entries.Succeeded ? entries.Value : throw CliException.File($"{path} is no export of the audit: {entries.Problems[0].Message}");
    }

    private static AuditHead ReadHead(string text) =>
        text.Split(':') is [var seq, { Length: 64 } hash] && long.TryParse(seq, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new AuditHead(number, hash.ToLowerInvariant())
            : throw CliException.Usage($"A head is SEQ:HASH, as 'audit verify' prints it, not '{text}'.");
}
