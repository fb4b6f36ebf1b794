using System.Text.Json;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Nodes;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Tests;

/// <summary>How grain state is written, and read by later versions.</summary>
public class StateSerializerTests
{
    private static readonly StateUpgrade FirstToSecond = new(typeof(Counter), 1, state =>
    {
        state["total"] = state["count"]!.DeepClone();
        state.Remove("count");
        return state;
    });

    [Fact]
    public void A_state_is_written_with_its_version_and_without_type_names() => Assert.Equal(
        """{"v":2,"state":{"total":3}}""", new VersionedStateSerializer([]).Serialize(new Counter(3)).ToString());

    [Fact]
    public void What_was_written_is_read() => Assert.Equal(
        new Counter(3), RoundTrip(new Counter(3)));

    [Fact]
    public void An_older_state_is_brought_up_to_date_step_by_step() => Assert.Equal(
        new Counter(7), new VersionedStateSerializer([FirstToSecond]).Deserialize<Counter>(BinaryData.FromString("""{"v":1,"state":{"count":7}}""")));

    [Fact]
    public void A_node_history_as_the_first_release_wrote_it_is_read_and_what_a_later_one_adds_is_passed_over()
    {
        const string Stored =
            """
            {"v":1,"state":{"history":{"policy_hash":"229a","version":"1.0.0","epoch":2,"later":{"x":1},"reloads":[
              {"at":"2026-11-21T06:02:51.153869+00:00","version":"1.0.0","policy_hash":"229a","success":true,"duration_ms":4.2,"rules":2,"later":1},
              {"at":"2026-11-21T06:01:53+00:00","version":"0.9.0","success":false,"duration_ms":7,"rules":0,"error":"no","code":"reload.signature"}]}}}
            """;

        var history = new VersionedStateSerializer([]).Deserialize<NodeHistoryState>(BinaryData.FromString(Stored))!.History;

        Assert.Equal(("229a", "1.0.0", 2L), (history.PolicyHash, history.Version, history.Epoch));
        Assert.Equal(
            [
                new ReloadRecord(new DateTimeOffset(2026, 11, 21, 6, 2, 51, TimeSpan.Zero).AddTicks(1538690), "1.0.0", "229a", true, 4.2, 2),
                new ReloadRecord(new DateTimeOffset(2026, 11, 21, 6, 1, 53, TimeSpan.Zero), "0.9.0", null, false, 7, 0, "no") { Code = "reload.signature" },
            ],
            history.Reloads);
    }

    [Theory]
    [InlineData("""{"v":3,"state":{"total":7}}""")]
    [InlineData("""{"v":1,"state":{"count":7}}""")]
    [InlineData("""{"state":{"total":7}}""")]
    [InlineData("null")]
    public void What_this_program_does_not_know_is_refused(string stored) => Assert.Throws<JsonException>(
        () => new VersionedStateSerializer([]).Deserialize<Counter>(BinaryData.FromString(stored)));

    private static Counter? RoundTrip(Counter state)
    {
        var serializer = new VersionedStateSerializer([]);
        return serializer.Deserialize<Counter>(serializer.Serialize(state));
    }

    [StateVersion(2)]
    private sealed record Counter(int Total);
}
