using System.Text;
using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class DecisionRecordTests
{
    private static readonly DecisionRecord Some = new()
    {
        At = new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero),
        Node = "n1",
        Fleet = "edge",
        CapabilityId = "orders.refund",
        Context = JsonElement.Parse("{\n \"amount\": 1.0,\r\n \"note\": \"a\\nb\u2028\"}"),
        Decision = new Decision(false, true, "ask", "r1", null, "high"),
        PolicyVersion = "1.0.0",
        PolicyHash = "abc",
        Epoch = 7,
    };

    [Fact]
    public void A_record_is_one_line_and_reads_as_it_was_written()
    {
        var line = Some.ToLine();

        Assert.Equal((byte)'\n', line[^1]);
        Assert.Equal(1, line.Count(b => b is (byte)'\n' or (byte)'\r'));
        Assert.StartsWith("""{"at":"2026-11-20T12:00:00+00:00","node":"n1","fleet":"edge","capability_id":"orders.refund","context":{"amount":1.0,""", Encoding.UTF8.GetString(line), StringComparison.Ordinal);
        Assert.DoesNotContain("context_kept", Encoding.UTF8.GetString(line), StringComparison.Ordinal);
        var read = DecisionRecord.Read(line).Value!;
        Assert.True(JsonElement.DeepEquals(Some.Context!.Value, read.Context!.Value));
        Assert.Equal(Some with { Context = null }, read with { Context = null });
    }

    [Fact]
    public void A_context_that_no_text_can_hold_is_dropped_and_the_line_says_so()
    {
        var record = Some with { Context = JsonElement.Parse("""{"a":"\ud800"}""") };

        var read = DecisionRecord.Read(record.ToLine()).Value!;

        Assert.Equal((ContextKept.Dropped, null, "orders.refund"), (read.ContextKept, read.Context, read.CapabilityId));
    }

    [Fact]
    public void What_is_not_known_is_passed_over_and_what_may_be_missing_may_be()
    {
        var read = DecisionRecord.Read("""
            {"at":"2026-11-20T13:00:00+01:00","capability_id":"x","decision":{"allowed":true,"reason":"ok","later":1},"later":{}}
            """u8.ToArray()).Value!;

        Assert.Equal((Some.At, true, null, ContextKept.Whole), (read.At, read.Decision.Allowed, read.PolicyHash, read.ContextKept));
        Assert.Null(read.Context);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"at":"2026-11-20T12:00:00Z"}""")]
    [InlineData("""{"at":"yesterday","capability_id":"x","decision":{"allowed":true,"reason":""}}""")]
    [InlineData("""{"at":"2026-11-20T12:00:00Z","capability_id":null,"decision":{"allowed":true,"reason":""}}""")]
    [InlineData("""{"at":"2026-11-20T12:00:00Z","capability_id":"x","decision":{"reason":""}}""")]
    [InlineData("""{"at":"2026-11-20T12:00:00Z","capability_id":"x","decision":{"allowed":true}}""")]
    [InlineData("""{"at":"2026-11-20T12:00:00Z","capability_id":"x","decision":null}""")]
    [InlineData("""{"at":"2026-11-20T12:00:00Z","capability_id":"x\ud800","decision":{"allowed":true,"reason":""}}""")]
    [InlineData("""{"at":"2026-11-20T12:00:00Z","capability_id":"x","capability_id":"y","decision":{"allowed":true,"reason":""}}""")]
    public void What_is_no_record_is_malformed(string line) =>
        Assert.Equal("decision_record.malformed", Assert.Single(DecisionRecord.Read(Encoding.UTF8.GetBytes(line)).Problems).Code);

    [Theory]
    [InlineData("""{"at":"2026-11-20T12:00:00Z","capability_id":"x","decision":{"allowed":[],"reason":""}}""", "$.decision.allowed: The value is not of the type that is expected here.")]
    [InlineData("""{"at":"2026-11-20T12:00:00Z","decision":{"allowed":true,"reason":""}}""", "$: Missing: 'capability_id'.")]
    public void What_is_wrong_is_named_by_its_field_and_not_by_our_types(string line, string message) =>
        Assert.Equal(message, Assert.Single(DecisionRecord.Read(Encoding.UTF8.GetBytes(line)).Problems).Message);

    [Fact]
    public void A_line_without_end_is_not_read() =>
        Assert.Equal("decision_record.too_long", Assert.Single(DecisionRecord.Read(new byte[DecisionRecord.LineBytesMax + 1]).Problems).Code);
}
