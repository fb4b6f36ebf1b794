using System.Text.Json;
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
