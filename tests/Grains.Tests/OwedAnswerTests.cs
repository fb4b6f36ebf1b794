using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Tests;

/// <summary>
/// When an assigned node without an answer counts as one that refused: 60 s after its first word since, not counting time in which it was
/// silent. It is live for 22.5 s after a word.
/// </summary>
public class OwedAnswerTests
{
    private static readonly DateTimeOffset Assigned = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly string Target = new('2', 64);
    private static readonly FleetSettings Settings = new();

    private readonly FleetRegistry _registry = new("life", new Directive { Epoch = 1, Target = new string('1', 64) }, Assigned - TimeSpan.FromHours(2));
    private int _seq;

    public OwedAnswerTests()
    {
        _registry.Apply([new NodeRecord { Node = "node", Registration = 1, FailureDomain = "zone", RegisteredAt = Assigned - TimeSpan.FromHours(2) }], [], Assigned);
        _registry.SetDirective(new Directive { Epoch = 2, Target = Target }, Assigned);
    }

    [Fact]
    public void A_live_node_has_sixty_seconds()
    {
        PollFrom(-10, to: 59);
        Assert.Equal(0, LateAt(59));

        Poll(60);
        Assert.Equal(1, LateAt(60));
        Assert.Equal(Assigned + TimeSpan.FromSeconds(60), Assert.Single(SeenAt(60).Nacks).At);
    }

    [Fact]
    public void A_node_that_was_off_when_its_stage_was_entered_has_them_from_its_return()
    {
        PollFrom(-10, to: -1);
        PollFrom(3_600, to: 3_659);
        Assert.Equal(0, LateAt(3_659));

        Poll(3_660);
        Assert.Equal(1, LateAt(3_660));
        Assert.Equal(Assigned + TimeSpan.FromSeconds(3_660), Assert.Single(SeenAt(3_660).Nacks).At);
    }

    [Fact]
    public void Time_in_which_it_was_silent_does_not_count()
    {
        PollFrom(0, to: 10);

        // Live until 32.5 s, gone for an hour, and live for 27.5 s more.
        PollFrom(3_600, to: 3_627);
        Assert.Equal(0, LateAt(3_627));

        Poll(3_628);
        Assert.Equal(1, LateAt(3_628));
    }

    [Fact]
    public void A_node_that_had_ACKed_and_starts_anew_has_them_from_its_first_word()
    {
        PollFrom(0, to: 5);
        Report(6, "first", epoch: 2, Target);
        PollFrom(7, to: 600);
        Report(601, "second", epoch: 0, null);
        Assert.Equal((0, 0), (SeenAt(601).Nodes.Acked, LateAt(601)));

        PollFrom(602, to: 660);
        Assert.Equal(0, LateAt(660));
        Poll(661);
        Assert.Equal(1, LateAt(661));

        Report(662, "second", epoch: 2, Target);
        Assert.Equal((1, 0), (SeenAt(662).Nodes.Acked, LateAt(662)));
    }

    [Fact]
    public void A_node_that_dies_of_what_it_is_assigned_counts_however_often_it_starts()
    {
        for (var boot = 0; boot <= 2; boot++)
        {
            Report(boot * 40, $"boot-{boot}", epoch: 0, null);
            Assert.Equal(0, LateAt(boot * 40));
        }

        // Three times 22.5 s.
        Report(120, "boot-3", epoch: 0, null);
        Assert.Equal(1, LateAt(120));
    }

    [Fact]
    public void A_registry_that_starts_anew_blames_nobody_for_what_it_did_not_hear()
    {
        var next = new FleetRegistry("next", new Directive { Epoch = 2, Target = Target }, Assigned);
        next.Apply(_registry.Records, [], Assigned);
        next.Hear([new HeardNode("node", Assigned + TimeSpan.FromSeconds(90), null)], Settings);

        Assert.Equal(0, next.ObserveAt(Settings, new FleetWatch(Assigned, 2), withCensus: false, Assigned + TimeSpan.FromSeconds(90)).Nodes.NoAck);
    }

    private void PollFrom(int second, int to)
    {
        for (; second <= to; second++)
        {
            Poll(second);
        }
    }

    private void Poll(int second) => _registry.Hear([new HeardNode("node", Assigned + TimeSpan.FromSeconds(second), null)], Settings);

    private void Report(int second, string boot, long epoch, string? policyHash) => _registry.Hear(
        [
            new HeardNode("node", Assigned + TimeSpan.FromSeconds(second), new NodeReport
            {
                BootId = boot, Seq = ++_seq, Epoch = epoch, PolicyHash = policyHash, Ack = true,
            }),
        ],
        Settings);

    private int LateAt(int second) => SeenAt(second).Nodes.NoAck;

    private FleetObservation SeenAt(int second) =>
        _registry.ObserveAt(Settings, new FleetWatch(Assigned, 2), withCensus: false, Assigned + TimeSpan.FromSeconds(second));
}
