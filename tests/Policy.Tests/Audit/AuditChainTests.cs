using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Policy.Tests.Audit;

public sealed class AuditChainTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_chain_verifies_and_tells_its_head()
    {
        var chain = Chain(5);

        var found = AuditChain.Verify(chain);

        Assert.Equal(new AuditVerification(true, 5, new AuditHead(5, chain[4].Hash)), found);
    }

    [Fact]
    public void An_empty_chain_verifies() => Assert.Equal(new AuditVerification(true, 0, AuditHead.Empty), AuditChain.Verify([]));

    [Fact]
    public void The_hash_is_that_of_the_canonical_json_without_the_hash()
    {
        var draft = new AuditDraft
        {
            At = new DateTimeOffset(2026, 11, 20, 13, 0, 0, TimeSpan.FromHours(1)).AddTicks(1_234_567),
            Actor = "ada",
            Action = "rollout.advanced",
            Subject = "fleets/edge/rollouts/r1",
            Code = "RWG-001",
            StageId = "canary",
            TargetPercentage = 5.00m,
            Metrics = ImmutableSortedDictionary<string, double>.Empty.Add("error_rate", 0.25).Add("decisions", 100),
            HourSeconds = 3600,
            Reason = "ä \"quoted\"",
            Interface = "grain",
            Detail = ImmutableSortedDictionary<string, string>.Empty.Add("epoch", "2"),
        };
        var canonical = "{\"action\":\"rollout.advanced\",\"actor\":\"ada\",\"at\":\"2026-11-20T12:00:00.123456Z\",\"code\":\"RWG-001\","
            + "\"detail\":{\"epoch\":\"2\"},\"hour_seconds\":3600,\"interface\":\"grain\",\"metrics\":{\"decisions\":100,\"error_rate\":0.25},"
            + "\"prev_hash\":\"" + new string('0', 64) + "\",\"reason\":\"ä \\\"quoted\\\"\",\"seq\":1,\"stage_id\":\"canary\","
            + "\"subject\":\"fleets/edge/rollouts/r1\",\"target_percentage\":5}";

        var entry = AuditChain.Append(AuditHead.Empty, draft);

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical))), entry.Hash);
    }

    [Fact]
    public void An_entry_is_flat_in_json_and_reads_back_the_same()
    {
        var entry = Chain(2)[1];

        var json = JsonSerializer.Serialize(entry, PolicyJson.Options);
        var back = JsonSerializer.Deserialize<AuditEntry>(json, PolicyJson.Options);

        Assert.StartsWith("{\"seq\":2,\"at\":\"2026-11-20T12:00:02.000000Z\",\"actor\":\"ada\",\"action\":\"test.done\",\"subject\":\"things/2\"", json, StringComparison.Ordinal);
        Assert.EndsWith($"\"prev_hash\":\"{entry.PrevHash}\",\"hash\":\"{entry.Hash}\"}}", json, StringComparison.Ordinal);
        Assert.Equal(entry, back);
        Assert.True(AuditChain.Verify([Chain(1)[0], back!]).Valid);
    }

    [Fact]
    public void A_changed_entry_is_found()
    {
        var chain = Chain(5);
        chain[2] = chain[2] with { Draft = chain[2].Draft with { Actor = "mallory" } };

        Found(AuditChain.ChangedCode, 3, AuditChain.Verify(chain));
    }

    [Fact]
    public void A_changed_entry_with_its_hash_computed_anew_is_found_by_the_one_behind_it()
    {
        var chain = Chain(5);
        var draft = chain[2].Draft with { Actor = "mallory" };
        chain[2] = AuditChain.Append(new AuditHead(2, chain[1].Hash), draft);

        Found(AuditChain.BrokenCode, 4, AuditChain.Verify(chain));
    }

    [Fact]
    public void A_removed_entry_is_found()
    {
        var chain = Chain(5);
        chain.RemoveAt(2);

        Found(AuditChain.MissingCode, 3, AuditChain.Verify(chain));
    }

    [Fact]
    public void A_removed_first_entry_is_found()
    {
        var chain = Chain(5);
        chain.RemoveAt(0);

        Found(AuditChain.MissingCode, 1, AuditChain.Verify(chain));
    }

    [Fact]
    public void An_inserted_entry_is_found()
    {
        var chain = Chain(5);
        chain.Insert(2, AuditChain.Append(new AuditHead(2, chain[1].Hash), Draft(99)));

        Found(AuditChain.OutOfPlaceCode, 3, AuditChain.Verify(chain));
    }

    [Fact]
    public void Reordered_entries_are_found()
    {
        var chain = Chain(5);
        (chain[1], chain[2]) = (chain[2], chain[1]);

        Found(AuditChain.MissingCode, 2, AuditChain.Verify(chain));
    }

    [Fact]
    public void A_cut_tail_is_found_by_a_head_kept_elsewhere()
    {
        var chain = Chain(5);
        var head = new AuditHead(5, chain[4].Hash);
        chain.RemoveRange(3, 2);

        Assert.True(AuditChain.Verify(chain).Valid);
        Found(AuditChain.CutCode, 4, AuditChain.Verify(chain, head));
    }

    [Fact]
    public void A_chain_computed_anew_is_found_by_a_head_kept_elsewhere()
    {
        var head = new AuditHead(3, Chain(3)[2].Hash);
        var anew = new List<AuditEntry>();
        for (var i = 1; i <= 5; i++)
        {
            anew.Add(AuditChain.Append(anew.Count == 0 ? AuditHead.Empty : new AuditHead(anew.Count, anew[^1].Hash), Draft(i + 100)));
        }

        Found(AuditChain.RewrittenCode, 3, AuditChain.Verify(anew, head));
    }

    [Fact]
    public void An_earlier_head_is_met_by_a_chain_that_has_grown()
    {
        var chain = Chain(5);

        Assert.True(AuditChain.Verify(chain, new AuditHead(3, chain[2].Hash)).Valid);
        Assert.True(AuditChain.Verify([], AuditHead.Empty).Valid);
    }

    [Fact]
    public void A_part_verifies_from_the_head_before_it()
    {
        var chain = Chain(5);

        Assert.True(AuditChain.Verify(chain.Skip(2), from: new AuditHead(2, chain[1].Hash)).Valid);
        Found(AuditChain.BrokenCode, 3, AuditChain.Verify(chain.Skip(2), from: new AuditHead(2, chain[0].Hash)));
    }

    [Fact]
    public void Half_a_surrogate_pair_and_nul_do_not_break_the_chain()
    {
        var entry = AuditChain.Append(AuditHead.Empty, Draft(1) with { Reason = "\ud800 and \0" });
        var back = JsonSerializer.Deserialize<AuditEntry>(JsonSerializer.Serialize(entry, PolicyJson.Options), PolicyJson.Options);

        Assert.True(AuditChain.Verify([back!]).Valid);
    }

    internal static List<AuditEntry> Chain(int length)
    {
        var chain = new List<AuditEntry>();
        for (var i = 1; i <= length; i++)
        {
            chain.Add(AuditChain.Append(chain.Count == 0 ? AuditHead.Empty : new AuditHead(chain.Count, chain[^1].Hash), Draft(i)));
        }

        return chain;
    }

    private static AuditDraft Draft(int i) => new()
    {
        At = T0.AddSeconds(i),
        Actor = "ada",
        Action = "test.done",
        Subject = "things/" + i.ToString(CultureInfo.InvariantCulture),
    };

    private static void Found(string code, long seq, AuditVerification found)
    {
        Assert.False(found.Valid);
        Assert.Equal((code, seq), (found.Problem?.Code, found.WrongSeq));
        Assert.Contains(seq.ToString(CultureInfo.InvariantCulture), found.Problem!.Message, StringComparison.Ordinal);
    }
}
