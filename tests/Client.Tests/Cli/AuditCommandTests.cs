using System.Text.Json;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Client.Tests.Cli;

public sealed class AuditCommandTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    [Fact]
    public async Task An_export_is_checked_without_a_control_plane()
    {
        var entries = Chain(5);
        await WriteAsync(entries);
        var good = await CliRun.RunAsync("audit", "verify", "--file", _file, "--json");
        Assert.Equal(0, good.ExitCode);
        Assert.Equal(5, good.Json.GetProperty("entries").GetInt64());

        await WriteAsync([.. entries[..2], entries[2] with { Draft = entries[2].Draft with { Reason = "another one" } }, .. entries[3..]]);
        var changed = await CliRun.RunAsync("audit", "verify", "--file", _file);
        Assert.Equal(1, changed.ExitCode);
        Assert.Contains(AuditChain.ChangedCode, changed.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cut_tail_is_found_by_a_head_that_was_kept()
    {
        var entries = Chain(5);
        await WriteAsync(entries[..4]);
        Assert.Equal(0, (await CliRun.RunAsync("audit", "verify", "--file", _file)).ExitCode);
        var cut = await CliRun.RunAsync("audit", "verify", "--file", _file, "--head", $"5:{entries[4].Hash}");
        Assert.Equal(1, cut.ExitCode);
        Assert.Contains(AuditChain.CutCode, cut.Out, StringComparison.Ordinal);
        Assert.Equal(2, (await CliRun.RunAsync("audit", "verify", "--file", _file, "--head", "soon")).ExitCode);
    }

    [Fact]
    public async Task A_file_that_is_no_export_is_5()
    {
        await File.WriteAllTextAsync(_file, "[{\"seq\":1}]");
        Assert.Equal(5, (await CliRun.RunAsync("audit", "verify", "--file", _file)).ExitCode);
    }

    [Fact]
    public async Task A_report_is_told_of_an_export_and_only_of_a_whole_one()
    {
        var entries = Chain(5);
        await WriteAsync(entries);
        var markdown = await CliRun.RunAsync("audit", "report", "--file", _file, "--from", "1970-01-01", "--to", "1970-01-01T00:00:03Z");
        Assert.Equal(0, markdown.ExitCode);
        Assert.Contains("up to 1970-01-01T00:00:03Z: 3 audit entries.", markdown.Out, StringComparison.Ordinal);
        var json = await CliRun.RunAsync("audit", "report", "--file", _file, "--json");
        Assert.Equal(0, json.Json.GetProperty("total").GetProperty("started").GetInt32());

        await WriteAsync([.. entries[..2], entries[2] with { Draft = entries[2].Draft with { Reason = "another one" } }, .. entries[3..]]);
        var broken = await CliRun.RunAsync("audit", "report", "--file", _file);
        Assert.Equal((1, ""), (broken.ExitCode, broken.Out));
        Assert.Equal(2, (await CliRun.RunAsync("audit", "report", "--file", _file, "--from", "soon")).ExitCode);
    }

    public void Dispose() => File.Delete(_file);

    private static AuditEntry[] Chain(int count)
    {
        var entries = new List<AuditEntry>();
        for (var i = 0; i < count; i++)
        {
            var head = entries is [.., var last] ? new AuditHead(last.Seq, last.Hash) : AuditHead.Empty;
            entries.Add(AuditChain.Append(
                head,
                new AuditDraft { At = DateTimeOffset.UnixEpoch.AddSeconds(i), Actor = "alice", Action = "fleet.configured", Subject = "fleets/edge", Reason = $"{i}" }));
        }

        return [.. entries];
    }

    private Task WriteAsync(AuditEntry[] entries) => File.WriteAllTextAsync(_file, JsonSerializer.Serialize(entries, PolicyJson.Options));
}
