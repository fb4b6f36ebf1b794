using OrleansPolicy.Fleets;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class FileDirectiveTests
{
    private static readonly string One = new('1', 64);
    private static readonly string Two = new('2', 64);

    [Fact]
    public void A_file_is_a_directive_at_rest_one_epoch_higher()
    {
        var loaded = FileDirective.Load(new Directive { Epoch = 3, ArmEpoch = 2 }, One, "1.0.0", knownEpoch: 0).Value!;

        Assert.True(FileDirective.Holds(loaded));
        Assert.True(loaded.AtRest);
        Assert.Equal((4L, 2L, One, "1.0.0"), (loaded.Epoch, loaded.ArmEpoch, loaded.Target, loaded.FileVersion));
        Assert.Equal(5, FileDirective.Load(loaded, Two, "2.0.0", knownEpoch: 0).Value!.Epoch);
    }

    [Fact]
    public void Its_epoch_is_above_what_the_node_knows() =>
        Assert.Equal(10, FileDirective.Load(new Directive { Epoch = 3 }, One, "1.0.0", knownEpoch: 9).Value!.Epoch);

    [Fact]
    public void A_fleet_that_rollouts_lead_takes_no_file() => Assert.Equal(
        "reload.managed", FileDirective.Load(new Directive { Epoch = 1, Target = One }, Two, "2.0.0", knownEpoch: 0).Problems[0].Code);

    [Fact]
    public void It_has_no_other_node_than_the_control_planes_own()
    {
        Assert.Null(FileDirective.Check([]));
        Assert.Null(FileDirective.Check(["local"]));
        Assert.Equal("fleet.file_mode", FileDirective.Check(["local", "n1"])!.Code);
    }

    [Fact]
    public void No_lease_bounds_a_file_and_the_fleets_own_comes_back_with_a_baseline()
    {
        var settings = new FleetSettings();

        Assert.Null(Lease.Grant(settings, FileDirective.Load(new Directive { Epoch = 0 }, One, "1.0.0", 0).Value!));
        Assert.Equal(45, Lease.Grant(settings, new Directive { Epoch = 2, Target = One }));
    }
}
