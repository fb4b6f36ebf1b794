using System.Diagnostics;
using System.Globalization;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// 500 pairs of real agents go over to another bundle and back, and are asked for decisions all the time: how long each was denied, and
/// whether two of a pair ever answered under different hashes. The agents share this machine with the control plane.
/// </summary>
internal static class ParitySpeed
{
    private const string Fleet = "edge";
    private const double HourSeconds = 3;
    private const int Groups = 500;
    private const int Runs = 5;
    private const int DecisionsMin = 200_000;

    public static async Task RunAsync(Report report)
    {
        await using var installation = await Installation.StartAsync(HourSeconds);
        await installation.Admin.ConfigureFleetAsync(Fleet, new FleetSettings { ReportIntervalSec = 2 });
        await installation.Admin.RegisterNodesAsync(Fleet, [.. Enumerable.Range(0, 2 * Groups).Select(i => new NodeRegistration
        {
            Node = Installation.NameOf(i), ParityGroup = GroupOf(i), FailureDomain = $"zone-{i % 4}",
        })]);
        await installation.Admin.SetBaselineAsync(Fleet, installation.V1, "benchmark");
        await installation.PublishNextAsync();
        await using var agents = await Agents.StartAsync(installation, Fleet, 2 * Groups, GroupOf);
        await agents.UntilAllOnAsync(installation.V1);
        var watch = new AnswerWatch(agents.Nodes);
        var (switched, forward, back) = (new List<double>(), new List<double>(), new List<double>());

        // Forward by stages: the old bundle is served until all of a group are prepared. A fast-track goes to what was complete once.
        var rollout = (await installation.RollOutAsync(Fleet, hoursAtAll: 1)).RolloutId;
        await installation.UntilAsync(rollout, view => view.State == RolloutPhase.Complete);
        await agents.UntilAllOnAsync(installation.V2);
        forward.AddRange(watch.TakeDenials());
        for (var run = 0; run < 2 * Runs; run++)
        {
            foreach (var taken in await installation.Admin.ListQuarantineAsync(Fleet))
            {
                await installation.Admin.ReleaseAsync(Fleet, taken.PolicyHash, "benchmark");
            }

            var to = run % 2 == 0 ? installation.V1 : installation.V2;
            var asked = Stopwatch.GetTimestamp();
            await installation.Admin.RollBackFleetAsync(Fleet, "benchmark", to);
            await agents.UntilAllOnAsync(to);
            switched.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            back.AddRange(watch.TakeDenials());
        }

        var (decisions, mixed) = watch.Stop(GroupOf);
        report.Row(new Samples($"parity: asked to the last of {Groups:N0} pairs serving the other bundle", "ms", switched), "all groups at once");
        report.Row(P99("parity: a member denied on the way forward, p99", forward), $"{forward.Count:N0} denials");
        report.Row(P99("parity: a member denied where all go at once, p99", back), $"{back.Count:N0} denials");
        report.Row(
            new Samples("parity: answers under two hashes in one pair", "", [mixed]),
            string.Create(CultureInfo.InvariantCulture, $"of {decisions:N0} decisions{(decisions < DecisionsMin ? ", too few" : "")}"));
    }

    private static Samples P99(string name, List<double> values)
    {
        var sorted = values.Order().ToList();
        return new Samples(name, "ms", [sorted[Math.Min(sorted.Count - 1, (int)Math.Ceiling(sorted.Count * 0.99) - 1)]]);
    }

    private static string GroupOf(int index) => string.Create(CultureInfo.InvariantCulture, $"pair-{index / 2:D4}");

    /// <summary>Asks every agent over and over, and keeps under which hash and when each answered.</summary>
    private sealed class AnswerWatch
    {
        private readonly IReadOnlyList<PolicyNode> _nodes;
        private readonly List<Serving>[] _served;
        private readonly List<double> _denials = [];
        private readonly Lock _gate = new();
        private readonly Task _asking;
        private volatile bool _isOver;
        private long _decisions;

        public AnswerWatch(IReadOnlyList<PolicyNode> nodes)
        {
            _nodes = nodes;
            _served = [.. nodes.Select(_ => new List<Serving>())];
            _asking = Task.Factory.StartNew(Ask, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }

        /// <summary>How long members were denied since the last call, each from its last answer before to its first after, in milliseconds.</summary>
        public List<double> TakeDenials()
        {
            lock (_gate)
            {
                var taken = _denials.ToList();
                _denials.Clear();
                return taken;
            }
        }

        /// <summary>Stops asking: decisions under some hash, and times at which two of a group served different ones.</summary>
        public (long Decisions, int Mixed) Stop(Func<int, string> groupOf)
        {
            _isOver = true;
            _asking.Wait();
            var mixed = 0;
            foreach (var group in Enumerable.Range(0, _nodes.Count).GroupBy(groupOf))
            {
                var members = group.ToList();
                mixed += _served[members[0]].Sum(one => _served[members[1]].Count(other => one.Hash != other.Hash && one.From < other.To && other.From < one.To));
            }

            return (_decisions, mixed);
        }

        private void Ask()
        {
            while (!_isOver)
            {
                for (var index = 0; index < _nodes.Count; index++)
                {
                    var began = Stopwatch.GetTimestamp();
                    var hash = _nodes[index].Decide("gateway.health.read", default).PolicyHash;
                    Note(_served[index], hash, began, Stopwatch.GetTimestamp());
                }

                Thread.Sleep(2);
            }
        }

        private void Note(List<Serving> served, string? hash, long began, long ended)
        {
            var last = served.Count > 0 ? served[^1] : null;
            if (hash is null)
            {
                if (last is not null)
                {
                    last.IsOpen = false;
                }

                return;
            }

            _decisions++;
            if (last is { IsOpen: true } && last.Hash == hash)
            {
                last.To = began;
                return;
            }

            if (last is not null)
            {
                last.IsOpen = false;
                lock (_gate)
                {
                    _denials.Add(Stopwatch.GetElapsedTime(last.To, ended).TotalMilliseconds);
                }
            }

            served.Add(new Serving(hash, ended));
        }

        // From when the first answer was there until the last one was asked for: through all of it the member served this hash.
        private sealed class Serving(string hash, long from)
        {
            public string Hash { get; } = hash;

            public long From { get; } = from;

            public long To { get; set; } = from;

            public bool IsOpen { get; set; } = true;
        }
    }
}
