using System.Text.Json;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class EarlierLeaseTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(null, 45)]
    [InlineData(null, 10)]
    [InlineData(45, 10)]
    public void A_lease_that_gets_shorter_or_begins_leaves_the_one_before(int? before, int after)
    {
        var earlier = EarlierLease.Of(new FleetSettings { MaxStalenessSec = before }, after, T0);

        Assert.Equal(new EarlierLease { MaxStalenessSec = before, Until = T0 + EarlierLease.GrantedOnFor }, earlier);
    }

    [Theory]
    [InlineData(45, 45)]
    [InlineData(10, 45)]
    [InlineData(45, null)]
    [InlineData(null, null)]
    public void A_lease_that_does_not_get_shorter_leaves_nothing(int? before, int? after) =>
        Assert.Null(EarlierLease.Of(new FleetSettings { MaxStalenessSec = before }, after, T0));

    [Fact]
    public void A_new_fleet_had_none() => Assert.Null(EarlierLease.Of(null, 10, T0));

    [Fact]
    public void It_is_kept_as_long_as_the_lease_is_shorter()
    {
        var kept = new EarlierLease { MaxStalenessSec = 30, Until = T0 };
        var settings = new FleetSettings { MaxStalenessSec = 10, EarlierLease = kept };

        Assert.Same(kept, EarlierLease.Of(settings, 10, T0.AddDays(1)));
        Assert.Same(kept, EarlierLease.Of(settings, 20, T0.AddDays(1)));
        Assert.Null(EarlierLease.Of(settings, 30, T0.AddDays(1)));
        Assert.Null(EarlierLease.Of(settings, null, T0.AddDays(1)));
    }

    [Fact]
    public void Of_several_the_longest_counts_until_the_last()
    {
        var settings = new FleetSettings { MaxStalenessSec = 45, EarlierLease = new EarlierLease { Until = T0 } };

        Assert.Equal(new EarlierLease { Until = T0.AddDays(1) + EarlierLease.GrantedOnFor }, EarlierLease.Of(settings, 10, T0.AddDays(1)));
    }

    [Fact]
    public void Settings_from_before_have_none_and_leases_that_were_off_come_back_as_that()
    {
        Assert.Null(Read("""{"max_staleness_sec": 45}""").EarlierLease);
        var settings = new FleetSettings { EarlierLease = new EarlierLease { Until = T0 } };
        Assert.Equal(settings, Read(JsonSerializer.Serialize(settings, PolicyJson.Options)));

        static FleetSettings Read(string json) => JsonSerializer.Deserialize<FleetSettings>(json, PolicyJson.Options)!;
    }
}
