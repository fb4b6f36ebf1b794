using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class FleetRecordsTests
{
    [Theory]
    [InlineData("3.5", 1, 3.5)]
    [InlineData("{\"count\":10,\"sum\":2}", 10, 2)]
    public void A_bare_number_is_one_observation(string json, double count, double sum)
    {
        var value = JsonSerializer.Deserialize<MetricValue>(json, PolicyJson.Options)!;

        Assert.Equal((count, sum), (value.Count, value.Sum));
        Assert.Equal(value, JsonSerializer.Deserialize<MetricValue>(JsonSerializer.Serialize(value, PolicyJson.Options), PolicyJson.Options));
    }

    [Theory]
    [InlineData("\"3\"")]
    [InlineData("{\"count\":1}")]
    [InlineData("{\"sum\":1}")]
    [InlineData("[]")]
    public void What_is_neither_number_nor_count_and_sum_is_refused(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<MetricValue>(json, PolicyJson.Options));

    [Theory]
    [InlineData(1, 1, 1.0, true)]
    [InlineData(0, -5, null, true)]
    [InlineData(-1, 1, null, false)]
    [InlineData(double.NaN, 1, null, false)]
    [InlineData(1, double.NegativeInfinity, null, false)]
    [InlineData(1, 1, -1.0, false)]
    [InlineData(1, 1, double.PositiveInfinity, false)]
    public void Sound_numbers_are_finite_and_counts_not_negative(double count, double sum, double? bucket, bool sound)
    {
        var buckets = bucket is { } value ? ImmutableSortedDictionary<string, double>.Empty.Add("0.5", value) : null;

        Assert.Equal(sound, new MetricValue(count, sum, buckets).IsSound);
    }

    [Fact]
    public void A_registration_matches_a_node_that_is_stored_just_so()
    {
        var labels = ImmutableSortedDictionary<string, string>.Empty.Add("rack", "7");
        var node = new NodeRecord
        {
            Node = "n1",
            Registration = 1,
            RegisteredAt = default,
            Role = "brain",
            ParityGroup = "g",
            FailureDomain = "a",
            Labels = labels,
        };
        var same = new NodeRegistration { Node = "n1", Role = "brain", ParityGroup = "g", FailureDomain = "a", Labels = labels };

        Assert.True(node.Matches(same));
        Assert.False(node.Matches(same with { Role = null }));
        Assert.False(node.Matches(same with { ParityGroup = null }));
        Assert.False(node.Matches(same with { FailureDomain = "b" }));
        Assert.False(node.Matches(same with { Labels = labels.Add("row", "1") }));
        Assert.Equal(("group:g", "node:n1"), (node.Unit, (node with { ParityGroup = null }).Unit));
    }

    [Fact]
    public void A_domain_without_nodes_gets_no_share()
    {
        var (shares, excess) = CohortShares.Share(3, [(0, 0), (10, 0), (0, 0)]);

        Assert.Equal([0, 3, 0], shares);
        Assert.Equal(0, excess);
        Assert.Equal([0, 0], CohortShares.Share(5, [(0, 0), (0, 0)]).Shares);
    }
}
