using OrleansPolicy.Arming;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class FleetSnapshotTests
{
    private static readonly FleetSnapshot Known = new()
    {
        Tenant = "t",
        Fleet = "f",
        Settings = new FleetSettings { NodeTtlSec = 100 },
        Directive = new Directive { Epoch = 5, ArmEpoch = 7 },
        Arms = new FleetArms { Epoch = 7 },
        Revision = 3,
    };

    [Fact]
    public void News_of_one_part_takes_back_no_other()
    {
        var directive = Known.With(Known with { Directive = new Directive { Epoch = 6, ArmEpoch = 2 }, Arms = FleetArms.None, Revision = 1, Settings = new FleetSettings() });
        var arms = Known.With(Known with { Directive = new Directive { Epoch = 4 }, Arms = new FleetArms { Epoch = 8 } });
        var settings = Known.With(Known with { Revision = 4, Settings = new FleetSettings { NodeTtlSec = 200 } });

        Assert.Equal((6, 7, 7, 3, 100), (directive.Directive.Epoch, directive.Directive.ArmEpoch, directive.Arms.Epoch, directive.Revision, directive.Settings.NodeTtlSec));
        Assert.Equal((5, 8, 8), (arms.Directive.Epoch, arms.Directive.ArmEpoch, arms.Arms.Epoch));
        Assert.Equal((5, 7, 4, 200), (settings.Directive.Epoch, settings.Directive.ArmEpoch, settings.Revision, settings.Settings.NodeTtlSec));
    }

    [Fact]
    public void Where_groups_stand_goes_by_the_number_of_the_reading_and_a_directive_heard_alone_says_nothing_of_them()
    {
        var read = Known with { Parity = new FleetParity { ReadAt = 5 } };
        var later = read.With(Known with { Revision = 4, Parity = new FleetParity { ReadAt = 5, Base = Known.Directive } });
        var alone = later.With(Known with { Directive = new Directive { Epoch = 6 }, Revision = 3 });

        Assert.Equal(Known.Directive, later.Parity.Base);
        Assert.Equal((6, 5), (alone.Directive.Epoch, alone.Parity.ReadAt));
    }

    [Fact]
    public void News_is_a_higher_epoch_a_higher_number_of_arming_or_other_settings()
    {
        Assert.False(Known.IsNews(Known));
        Assert.True(Known.IsNews(Known with { Directive = new Directive { Epoch = 6 } }));
        Assert.True(Known.IsNews(Known with { Arms = new FleetArms { Epoch = 8 } }));
        Assert.True(Known.IsNews(Known with { Revision = 4 }));
        Assert.False(Known.IsNews(Known with { Directive = new Directive { Epoch = 4 }, Revision = 4 }));
    }

    [Fact]
    public void A_reading_says_what_is_new_and_nothing_where_there_is_nothing()
    {
        var later = Known with { Directive = new Directive { Epoch = 6 }, Revision = 4 };

        Assert.Equal(Known.With(later), Known.AfterReading(later, Known));
        Assert.Null(Known.AfterReading(Known, Known));
    }

    [Fact]
    public void A_truth_with_lower_numbers_than_were_known_when_it_was_asked_for_is_an_older_one_and_is_taken_as_it_is()
    {
        var settings = new FleetSettings { NodeTtlSec = 50 };
        var older = Known with { Directive = new Directive { Epoch = 4, ArmEpoch = 6 }, Arms = new FleetArms { Epoch = 6 }, Revision = 2, Settings = settings };
        var settingsAlone = Known with { Revision = 2, Settings = settings };
        var goneOn = Known with { Directive = new Directive { Epoch = 6, ArmEpoch = 7 }, Revision = 2, Settings = settings };

        // What was said about who may serve stays: nodes keep it too.
        Assert.Equal(older with { Arms = Known.Arms, Directive = new Directive { Epoch = 4, ArmEpoch = 7 } }, Known.AfterReading(older, Known));
        Assert.Equal(settingsAlone, Known.AfterReading(settingsAlone, Known));
        Assert.Equal(goneOn, Known.AfterReading(goneOn, Known));
        Assert.True(Known.IsAheadOf(older) && Known.IsAheadOf(settingsAlone) && Known.IsAheadOf(goneOn));
        Assert.False(Known.IsAheadOf(Known));
    }

    [Fact]
    public void A_reading_that_began_before_the_news_proves_nothing_and_takes_nothing_back()
    {
        var late = Known with { Directive = new Directive { Epoch = 4 }, Revision = 2 };
        var before = late;
        var raised = Known with { Revision = 4 };

        Assert.Null(Known.AfterReading(late, before));
        Assert.Null(raised.AfterReading(late, Known));
        Assert.Null((Known with { Directive = new Directive { Epoch = 6 } }).AfterReading(late, Known));
    }
}
