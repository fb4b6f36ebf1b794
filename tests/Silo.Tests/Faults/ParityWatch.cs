using System.Diagnostics;
using System.Text.Json;
using OrleansPolicy.Client;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>
/// Asks the members of parity groups for decisions without pause, and keeps of each answer under which hash and when it was given. What is
/// judged is these answers, not what anybody believes.
/// </summary>
internal sealed class ParityWatch : IAsyncDisposable
{
    private static readonly JsonElement Nothing = JsonElement.Parse("{}"u8);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, List<Served>> _served = new(StringComparer.Ordinal);
    private readonly Func<IReadOnlyList<PolicyNode>> _members;
    private readonly Task _asking;

    /// <param name="members">Who is asked now; a member that starts anew has the name it had.</param>
    public ParityWatch(Func<IReadOnlyList<PolicyNode>> members)
    {
        _members = members;
        _asking = Task.Factory.StartNew(Ask, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Answers under some hash.</summary>
    public long Decisions { get; private set; }

    /// <summary>Stops asking, and fails where two members of a group were serving under different hashes at one time.</summary>
    public async Task NobodyDifferedAsync(Func<string, string> groupOf)
    {
        await _stopping.CancelAsync();
        await _asking;
        foreach (var group in _served.GroupBy(member => groupOf(member.Key)))
        {
            var all = group.SelectMany(member => member.Value.Select(run => (Member: member.Key, Run: run))).OrderBy(one => one.Run.From).ToList();
            for (var i = 0; i < all.Count; i++)
            {
                for (var j = i + 1; j < all.Count && all[j].Run.From < all[i].Run.To; j++)
                {
                    Assert.True(
                        all[i].Run.Hash == all[j].Run.Hash || all[i].Member == all[j].Member,
                        $"{all[i].Member} served {all[i].Run.Hash[..8]} until {all[i].Run.To}, {all[j].Member} served {all[j].Run.Hash[..8]} from {all[j].Run.From} on");
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _asking;
        _stopping.Dispose();
    }

    private void Ask()
    {
        while (!_stopping.IsCancellationRequested)
        {
            foreach (var member in _members())
            {
                var began = Stopwatch.GetTimestamp();
                var hash = member.Decide("orders.read", Nothing).PolicyHash;
                Note(member.Name, hash, began, Stopwatch.GetTimestamp());
            }

            Thread.Sleep(1);
        }
    }

    private void Note(string member, string? hash, long began, long ended)
    {
        if (!_served.TryGetValue(member, out var runs))
        {
            _served[member] = runs = [];
        }

        if (runs.Count > 0 && runs[^1].IsOpen && runs[^1].Hash == hash)
        {
            runs[^1].To = began;
        }
        else
        {
            if (runs.Count > 0)
            {
                runs[^1].IsOpen = false;
            }

            if (hash is not null)
            {
                runs.Add(new Served(hash, ended));
            }
        }

        Decisions += hash is null ? 0 : 1;
    }

    /// <summary>A time through which a member answered under one hash: from when its first answer was there until its last was asked for.</summary>
    private sealed class Served(string hash, long from)
    {
        public string Hash { get; } = hash;

        public long From { get; } = from;

        public long To { get; set; } = from;

        public bool IsOpen { get; set; } = true;
    }
}
