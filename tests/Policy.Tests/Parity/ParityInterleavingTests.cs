using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Policy.Tests.Parity;

/// <summary>
/// Groups switch while answers are lost, late and out of order, silos lag, members and the driver die and come back, leases run out, and
/// caps have room for a member or not.
/// Time is counted in seconds; what is looked at is what each member would serve at each moment.
/// </summary>
public sealed class ParityInterleavingTests
{
    [Fact]
    public void Never_do_two_members_of_a_group_serve_under_different_hashes() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => new World(seed).Run(600)).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Once_faults_stop_every_group_comes_to_run_what_the_directive_demands() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var world = new World(seed);
            world.Run(300);
            world.Calm();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100));

    /// <summary>What is durable, read as a whole.</summary>
    private sealed record Truth(Directive Directive, FleetParity Parity, long Revision);

    /// <summary>An answer on its way to a member.</summary>
    private sealed record Answer(NodeDirective Directive, int SentAt);

    private sealed class Member(NodeRecord record)
    {
        public NodeRecord Record => record;

        public HashSet<string> Kept { get; } = [];

        public string? InForce { get; set; }

        public NodeDirective? Heard { get; set; }

        public int LeaseUntil { get; set; }

        public bool Fresh { get; set; } = true;

        public List<Answer> Underway { get; } = [];

        public string? Serves(int now) =>
            Heard is { Group.OverCap: false } heard && !Fresh && now < LeaseUntil && heard.Group.LetsServe(InForce, heard.PolicyHash, heard.FallbackHash) ? InForce : null;

        public GroupWord? Word => Heard is { } heard && !Fresh
            ? new GroupWord(
                heard.Epoch, heard.PolicyHash is { } wanted && Kept.Contains(wanted),
                heard.Group!.Phase != ParityPhase.Commit && !heard.Group.LetsServe(InForce, heard.PolicyHash, heard.FallbackHash))
            : null;

        public void Restart()
        {
            (Fresh, LeaseUntil) = (true, 0);
            Underway.Clear();
        }

        public void Hear(Answer answer, int lease)
        {
            var directive = answer.Directive;
            if (directive.Epoch < Heard?.Epoch || (directive.Epoch == Heard?.Epoch && directive.Group!.IsBehind(Heard.Group)))
            {
                return;
            }

            (Heard, Fresh) = (directive, false);
            LeaseUntil = Math.Max(LeaseUntil, answer.SentAt + lease);
            Swap();
        }

        public void Load()
        {
            if (Heard?.PolicyHash is { } wanted)
            {
                Kept.Add(wanted);
                Swap();
            }
        }

        private void Swap()
        {
            if (Heard is { Group.Phase: ParityPhase.Commit, PolicyHash: { } wanted } && Kept.Contains(wanted))
            {
                InForce = wanted;
            }
        }
    }

    private sealed class World
    {
        private const int LeaseSec = 10;
        private const int ReadAge = 2;
        private const int Margin = 3;
        private static readonly string[] Hashes = ["a", "b", "c"];

        private readonly Random _random;
        private readonly Member[] _members;
        private readonly (Truth Truth, int ReadAt)[] _silos;
        private readonly Dictionary<Member, (GroupWord? Word, int HeardAt)> _words = [];
        private readonly Dictionary<(Member Member, int Silo), int> _heardHere = [];
        private readonly Dictionary<string, (long Epoch, ParityPhase Phase, int SeenAt)> _seen = [];
        private Truth _truth = new(new Directive { Epoch = 1, Target = "a" }, FleetParity.None with { ReadAt = 1 }, 1);
        private Truth _driver;
        private int _now;
        private bool _isCalm;

        public World(int seed)
        {
            _random = new Random(seed);
            _driver = _truth;
            _members =
            [
                .. Enumerable.Range(0, 5).Select(i => new Member(new NodeRecord
                {
                    Node = $"n{i}",
                    Registration = i + 1,
                    ParityGroup = i < 2 ? "g" : "h",
                    Group = new GroupPlace("d1", i < 2 ? 1 : 3),
                    RegisteredAt = default,
                })),
            ];
            _silos = [(_truth, 0), (_truth, 0)];
            DriverRestarts();
        }

        public void Run(int steps)
        {
            for (var i = 0; i < steps; i++)
            {
                Step(_random.Next(100));
                NobodyDiffers();
            }
        }

        public void Calm()
        {
            // What is still under way comes now, in any order; from then on answers come as they are given. Else one from before, of a cap
            // without room, might be the last that a member hears.
            _isCalm = true;
            foreach (var member in _members)
            {
                while (member.Underway.Count > 0)
                {
                    Take(member);
                }
            }

            for (var round = 0; round < 2 * (LeaseSec + Margin); round++)
            {
                foreach (var member in _members)
                {
                    Poll(member, 0, lose: false);
                    member.Load();
                    Poll(member, 0, lose: false);
                }

                _driver = _truth;
                Drive();
                NobodyDiffers();
                _now++;
            }

            Assert.All(_members, member => Assert.Equal(Cohorts.AssignedHash(_truth.Directive, member.Record), member.Serves(_now)));
        }

        private void Step(int die)
        {
            var member = _members[_random.Next(_members.Length)];
            var silo = _random.Next(_silos.Length);
            switch (die)
            {
                case < 3:
                    Decide();
                    break;
                case < 20:
                    _now++;
                    break;
                case < 25:
                    _now += _random.Next(LeaseSec);
                    break;
                case < 28:
                    member.Restart();
                    break;
                case < 29:
                    DriverRestarts();
                    break;
                case < 35:
                    _silos[silo] = (_truth, _now);
                    break;
                case < 45:
                    member.Load();
                    break;
                case < 50:
                    _driver = _truth;
                    break;
                case < 62:
                    Drive();
                    break;
                case < 72 when member.Underway.Count > 0:
                    Take(member);
                    break;
                default:
                    Poll(member, silo, lose: _random.Next(8) == 0);
                    break;
            }
        }

        // A new directive, of any kind: forward in whole or in part, to rest, or back.
        private void Decide()
        {
            var epoch = _truth.Directive.Epoch + 1;
            var (target, fallback) = (Hashes[_random.Next(3)], Hashes[_random.Next(3)]);
            var directive = _random.Next(3) == 0 || target == fallback
                ? new Directive { Epoch = epoch, Target = target }
                : new Directive
                {
                    Epoch = epoch,
                    Target = target,
                    Fallback = fallback,
                    Cuts = ImmutableSortedDictionary<string, DomainCut>.Empty.Add("d1", new DomainCut(DomainCut.All, _random.Next(2) == 0 ? 2 : 9)),
                };
            _truth = new Truth(directive, _truth.Parity with { ReadAt = epoch }, _truth.Revision + 1);
        }

        private void Poll(Member member, int silo, bool lose)
        {
            var sentAt = _now;

            // The fleet hears of the request before anything is granted to it; where it comes back from somewhere, what it is told was read after that.
            _words[member] = (member.Word ?? _words[member].Word, _now);
            var returns = member.Fresh || !_heardHere.TryGetValue((member, silo), out var before) || _now - before > LeaseSec / 2;
            if (returns || _now - _silos[silo].ReadAt > ReadAge)
            {
                _silos[silo] = (_truth, _now);
            }

            _heardHere[(member, silo)] = _now;
            var (directive, parity, _) = _silos[silo].Truth;
            var standing = parity.StandingOf(directive, member.Record);
            var (name, place) = (member.Record.ParityGroup!, member.Record.Group!);
            member.Underway.Add(new Answer(
                new NodeDirective
                {
                    Epoch = directive.Epoch,
                    PolicyHash = standing.To,
                    FallbackHash = standing.Phase == ParityPhase.Prepare ? standing.ServedUnder(directive) : null,
                    Group = new GroupDirective(name, place.FailureDomain, place.Registration, standing.Phase) { OverCap = !_isCalm && _random.Next(5) == 0 },
                },
                sentAt));
            if (_isCalm || (!lose && _random.Next(4) != 0))
            {
                Take(member);
            }
        }

        private void Take(Member member)
        {
            var place = _random.Next(member.Underway.Count);
            var answer = member.Underway[place];
            member.Underway.RemoveAt(place);
            member.Hear(answer, LeaseSec);
        }

        private void DriverRestarts()
        {
            _driver = _truth;
            _seen.Clear();
            foreach (var member in _members)
            {
                _words[member] = (null, _now);
            }
        }

        // The driver knows what it read last; where that is old, its write is refused.
        private void Drive()
        {
            var groups = _members.GroupBy(member => member.Record.ParityGroup!).Select(Members).ToList();
            if (ParityDecider.Decide(_driver.Parity, _driver.Directive, groups, default) is { } step && _driver.Revision == _truth.Revision)
            {
                _truth = _driver = new Truth(_truth.Directive, step.Next, _truth.Revision + 1);
            }
        }

        private GroupMembers Members(IGrouping<string, Member> group)
        {
            var first = group.First();
            var directive = _driver.Directive;
            var standing = _driver.Parity.StandingOf(directive, first.Record);
            if (!_seen.TryGetValue(group.Key, out var seen) || seen.Epoch != directive.Epoch || seen.Phase != standing.Phase)
            {
                _seen[group.Key] = seen = (directive.Epoch, standing.Phase, _now);
            }

            var forbiddenAt = standing.ServedUnder(directive) is null ? seen.SeenAt : int.MaxValue;
            return new GroupMembers(first.Record, [.. group.Select(member =>
            {
                var (word, heardAt) = _words[member];
                var said = word?.Epoch == directive.Epoch ? word : null;
                return new MemberWord(said?.Prepared == true, said?.Quiet == true, Math.Min(heardAt, forbiddenAt) + LeaseSec + Margin <= _now);
            })]);
        }

        private void NobodyDiffers()
        {
            foreach (var group in _members.GroupBy(member => member.Record.ParityGroup))
            {
                var served = group.Select(member => member.Serves(_now)).Where(hash => hash is not null).Distinct().ToList();
                Assert.True(served.Count <= 1, $"{group.Key} serves {string.Join(" and ", served)} at {_now}");
            }
        }
    }
}
