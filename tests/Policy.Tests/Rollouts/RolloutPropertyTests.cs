using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>Random lives of rollouts: whatever people do and nodes report, the invariants of the wedge hold.</summary>
public sealed class RolloutPropertyTests
{
    private static readonly Gen<(int Seed, int Steps)> Scripts =
        from seed in Gen.Choose(0, int.MaxValue)
        from steps in Gen.Choose(1, 400)
        select (seed, steps);

    [Fact]
    public void Stages_follow_each_other_each_is_observed_and_no_share_is_exceeded() => Prop.ForAll(Scripts.ToArbitrary(), script =>
    {
        var life = new Life(script.Seed);
        var entered = life.Fleet.Now;
        for (var i = 0; i < script.Steps; i++)
        {
            var before = life.Fleet.Rollout;
            var e = life.Step();
            var (fleet, after) = (life.Fleet, life.Fleet.Rollout);
            Assert.True(after.Epoch >= before.Epoch && after.Epoch == fleet.Directive.Epoch);
            Assert.Equal(before.Revision + (e is null ? 0 : 1), after.Revision);
            Assert.True(after.SeenAt >= before.SeenAt);
            if (before.IsFinal)
            {
                Assert.Null(e);
            }

            if (e is RolloutEvent.Advanced advanced)
            {
                // INV-RWG-STAGED, INV-RWG-OBSERVE: the real clock of the test, not the decider's.
                Assert.Equal(before.StageIndex + (before.AtInitialPercentage ? 0 : 1), advanced.StageIndex);
                Assert.True(fleet.Now - entered >= life.Window);
            }

            entered = e is RolloutEvent.Advanced or RolloutEvent.Resumed or RolloutEvent.Started ? fleet.Now : entered;
            if (!after.IsFinal)
            {
                // INV-RWG-BLAST: counted on the nodes, against the largest fleet there was.
                var onTarget = fleet.Nodes.Count(node => Cohorts.AssignedHash(fleet.Directive, node) == Fleet.V2);
                Assert.True(100m * onTarget <= after.Percentage * life.LargestFleet);
            }

            if (after.Phase == RolloutPhase.RolledBack)
            {
                Assert.All(fleet.Nodes, node => Assert.Equal(Fleet.V1, Cohorts.AssignedHash(fleet.Directive, node)));
            }
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));

    [Fact]
    public void Nobody_who_has_the_target_loses_it_but_by_a_rollback() => Prop.ForAll(Scripts.ToArbitrary(), script =>
    {
        var life = new Life(script.Seed);
        var holders = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < script.Steps && life.Fleet.Rollout.Phase != RolloutPhase.RolledBack; i++)
        {
            life.Step();
            var on = life.Fleet.Nodes.Where(node => Cohorts.AssignedHash(life.Fleet.Directive, node) == Fleet.V2).Select(node => node.Node).ToHashSet();
            holders.IntersectWith(life.Fleet.Nodes.Select(node => node.Node));
            if (life.Fleet.Rollout.Phase != RolloutPhase.RolledBack)
            {
                Assert.Subset(on, holders);
            }

            holders.UnionWith(on);
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [Fact]
    public void A_replay_of_the_events_gives_the_same_state() => Prop.ForAll(Scripts.ToArbitrary(), script =>
    {
        var life = new Life(script.Seed);
        for (var i = 0; i < script.Steps; i++)
        {
            life.Step();
        }

        var replayed = life.Fleet.Events.Aggregate((RolloutState?)null, RolloutDecider.Apply);
        Assert.Equal(life.Fleet.Rollout, replayed);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    private sealed class Life
    {
        private readonly Random random;

        public Life(int seed)
        {
            random = new Random(seed);
            Fleet = new Fleet(random.Next(40, 120), random.Next(1, 5));
            LargestFleet = Fleet.Nodes.Count;
            var plan = Fleet.Plan(5, 20, 60, 100) with
            {
                InitialPercentage = random.Next(2) == 0 ? 5 : 3,
                IncrementPolicy = random.Next(3) == 0 ? IncrementPolicy.Manual : IncrementPolicy.Linear,
                OnFail = (OnFail)random.Next(3),
                OnInconclusive = (OnInconclusive)random.Next(3),
                Caps = random.Next(3) == 0 ? new PlanCaps(10) : null,
                NackBudget = new NackBudget(random.Next(3), null),
            };
            Assert.True(Fleet.StartRollout(plan, hourSeconds: 20).Succeeded);
        }

        public Fleet Fleet { get; }

        public int LargestFleet { get; private set; }

        public TimeSpan Window { get; } = TimeSpan.FromSeconds(20);

        public RolloutEvent? Step()
        {
            var events = Fleet.Events.Count;
            Fleet.Now += TimeSpan.FromMilliseconds(random.Next(0, 4_000));
            switch (random.Next(120))
            {
                case 0:
                    Fleet.Do(new RolloutCommand.Pause(Fleet.Author, "wait"));
                    break;
                case < 6:
                    Fleet.Do(new RolloutCommand.Resume(Fleet.Author, "go on"));
                    break;
                case < 16:
                    Fleet.Do(new RolloutCommand.Approve(random.Next(2) == 0 ? Fleet.Author : Fleet.Approver, "fine"));
                    break;
                case 16:
                    Fleet.Do(new RolloutCommand.RollBack(Fleet.Author, "back", Fleet.Directive));
                    break;
                case 17:
                    Fleet.ErrorRate = random.Next(10) == 0 ? 0.06 : 0.02;
                    break;
                case < 24:
                    Fleet.ErrorRate = 0.001;
                    Fleet.Decisions = 1_000;
                    Fleet.Unacked = 0;
                    break;
                case 24:
                    Fleet.Decisions = random.Next(120);
                    break;
                case 25:
                    Fleet.Unacked = random.Next(4);
                    break;
                case 26:
                    Fleet.ObservingSince = Fleet.Now += TimeSpan.FromSeconds(random.Next(100));
                    break;
                case 27:
                    Join(random.Next(20));
                    break;
                case 28:
                    Fleet.Nodes.RemoveAll(_ => random.Next(10) == 0);
                    break;
                default:
                    Fleet.Look();
                    break;
            }

            return Fleet.Events.Count > events ? Fleet.Events[^1] : null;
        }

        private void Join(int count)
        {
            var newest = Fleet.Nodes.Count == 0 ? 1_000_000 : Fleet.Nodes.Max(node => node.Registration);
            for (var i = 1; i <= count; i++)
            {
                Fleet.Nodes.Add(new NodeRecord
                {
                    Node = $"late-{random.Next()}",
                    Registration = newest + i + 1_000,
                    FailureDomain = $"zone-{(char)('a' + random.Next(4))}",
                    RegisteredAt = Fleet.Now,
                });
            }

            LargestFleet = Math.Max(LargestFleet, Fleet.Nodes.Count);
        }
    }
}
