using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Policy.Tests;

public class PolicyJsonTests
{
    [Fact]
    public void A_failure_that_carries_an_array_survives_the_wire()
    {
        var failure = Outcome<ImmutableArray<string>>.Fail("fleet.unknown", "There is no such fleet.");

        var read = RoundTrip(failure);

        Assert.False(read.Succeeded);
        Assert.Equal("fleet.unknown", Assert.Single(read.Problems).Code);
    }

    [Fact]
    public void Bytes_are_base64() =>
        Assert.Equal("\"AQID\"", JsonSerializer.Serialize(ImmutableArray.Create<byte>(1, 2, 3), PolicyJson.Options));

    [Fact]
    public void An_array_keeps_its_elements_and_null_reads_as_empty()
    {
        Assert.Equal([1, 2, 3], RoundTrip(ImmutableArray.Create(1, 2, 3)));
        Assert.Empty(JsonSerializer.Deserialize<ImmutableArray<int>>("null", PolicyJson.Options));
        Assert.Null(JsonSerializer.Deserialize<ImmutableArray<int>?>("null", PolicyJson.Options));
    }

    private static T RoundTrip<T>(T value) =>
        JsonSerializer.Deserialize<T>(JsonSerializer.Serialize(value, PolicyJson.Options), PolicyJson.Options)!;
}
