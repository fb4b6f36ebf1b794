using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Client;

/// <summary>
/// What a node has heard and what it runs. Written under a lock by whoever hears or loads something, read without one: every
/// change is a new snapshot in one volatile field.
/// </summary>
internal sealed class NodeTruth(TimeProvider time)
{
    /// <summary>The bundle in force, the one before it and a fallback: going back to either is a swap without a fetch.</summary>
    private const int KeptMax = 3;

    private readonly Lock _lock = new();
    private volatile NodeSnapshot _now = NodeSnapshot.Initial;
    private ImmutableList<LoadedPolicy> _kept = [];
    private Nack? _nack;
    private long _epochInForce;
    private long? _highestSequence;
    private long _terms;
    private NodeDirective? _directive;
    private string? _prepared;
    private bool _stopped;

    public NodeSnapshot Now => _now;

    /// <summary>The highest sequence of a bundle that was seen: verified, whether or not it came in force; null: none had one.</summary>
    public long? HighestSequence
    {
        get
        {
            lock (_lock)
            {
                return _highestSequence;
            }
        }
    }

    /// <summary>Told of every change, under the lock: it must return at once.</summary>
    public Action? Changed { get; set; }

    /// <summary>The last directive that was obeyed; null before the first.</summary>
    public NodeDirective? Directive => Volatile.Read(ref _directive);

    /// <summary>
    /// Obeys a directive. One that is older than what was heard before is ignored and grants nothing: its sender may be a silo
    /// that lags, or a control plane restored from an old backup.
    /// </summary>
    /// <param name="directive">What was heard.</param>
    /// <param name="sentAt">The time stamp from just before the request left.</param>
    /// <param name="ready">Given a hash and what is kept of it, gives a bundle that may be in force at once, or null.</param>
    public HeardResult Hear(NodeDirective directive, long sentAt, Func<string, LoadedPolicy?, LoadedPolicy?> ready)
    {
        lock (_lock)
        {
            var before = _now;
            if (_stopped || IsOlder(directive, before))
            {
                return HeardResult.Ignored;
            }

            var after = before with
            {
                Epoch = directive.Epoch,
                ArmEpoch = directive.ArmEpoch,
                Armed = directive.Armed,
                WantedHash = directive.PolicyHash,
                FallbackHash = directive.FallbackHash,
                Group = directive.Group,
                Shadow = before.Shadow?.PolicyHash == directive.ShadowHash ? before.Shadow : null,
                LeaseUntil = directive.LeaseSec is { } lease ? Later(before.LeaseUntil, Until(sentAt, lease)) : long.MaxValue,
                Offline = false,
            };
            if (_nack is { } nack && nack.PolicyHash != directive.PolicyHash)
            {
                _nack = null;
            }

            _prepared = after.IsSwitching && _prepared == directive.PolicyHash ? _prepared : null;
            var swapped = false;
            if (!after.InForce && _prepared is null && directive.PolicyHash is { } wanted
                && ready(wanted, _kept.Find(p => p.PolicyHash == wanted)) is { } policy)
            {
                Keep(policy);
                swapped = !after.IsSwitching;
                (after, _prepared) = swapped ? (after with { Policy = policy, LoadedAt = time.GetUtcNow() }, null) : (after, wanted);
            }

            Publish(after, directive);
            return new HeardResult(
                directive.Epoch > before.Epoch, swapped, !after.InForce && _prepared is null, directive.PolicyHash != before.WantedHash,
                directive.ArmEpoch != before.ArmEpoch || directive.Armed != before.Armed,
                directive.Group is not null && (directive.Group != before.Group || directive.Epoch != before.Epoch || before.Offline));
        }
    }

    /// <summary>Renews the lease by an answer that says "unchanged": of a directive that was, or would be by now, ignored it grants nothing either.</summary>
    /// <param name="unchanged">What is unchanged.</param>
    /// <param name="leaseSec">The lease that the answer grants.</param>
    /// <param name="sentAt">The time stamp from just before the request left.</param>
    public void Renew(NodeDirective unchanged, int leaseSec, long sentAt)
    {
        lock (_lock)
        {
            if (!_stopped && !IsOlder(unchanged, _now))
            {
                _now = _now with { LeaseUntil = Later(_now.LeaseUntil, Until(sentAt, leaseSec)) };
            }
        }
    }

    /// <summary>
    /// Puts a loaded bundle in force if it is still the one demanded. False: it is not, or the node has stopped, or its parity group is not
    /// so far: then it is kept until it is.
    /// </summary>
    public bool TrySwap(LoadedPolicy policy)
    {
        lock (_lock)
        {
            if (_stopped || policy.PolicyHash != _now.WantedHash)
            {
                return false;
            }

            _nack = null;
            Keep(policy);
            if (_now.IsSwitching)
            {
                _prepared = policy.PolicyHash;
                return false;
            }

            Publish(_now with { Policy = policy, LoadedAt = time.GetUtcNow() }, _directive);
            return true;
        }
    }

    /// <summary>Has decisions made again under a bundle, if it is still demanded.</summary>
    public bool TryShadow(ShadowRun run)
    {
        lock (_lock)
        {
            if (_directive?.ShadowHash != run.PolicyHash)
            {
                return false;
            }

            _now = _now with { Shadow = run };
            return true;
        }
    }

    /// <summary>
    /// Takes up what was kept from before a restart. Nothing is known of what was said since: it may be served where the fleet's leases
    /// were off, and else waits for the first directive.
    /// </summary>
    /// <param name="policy">What was in force.</param>
    /// <param name="directive">What was heard last.</param>
    /// <param name="loadedAt">When it was put in force.</param>
    /// <param name="group">A group that the node is to be in and was not when it heard that; null: none.</param>
    public void Resume(LoadedPolicy policy, NodeDirective directive, DateTimeOffset loadedAt, GroupDirective? group = null)
    {
        lock (_lock)
        {
            Keep(policy);
            Publish(
                new NodeSnapshot
                {
                    Policy = policy,
                    LoadedAt = loadedAt,
                    Offline = true,
                    Epoch = directive.Epoch,
                    ArmEpoch = directive.ArmEpoch,
                    // Where anybody ever spoke of arming, a node that comes back is disarmed until it hears that it is not.
                    Armed = directive is { Armed: true, ArmEpoch: 0 },
                    WantedHash = directive.PolicyHash,
                    FallbackHash = directive.FallbackHash,
                    Group = group ?? directive.Group,
                    LeaseUntil = directive.LeaseSec is null ? long.MaxValue : long.MinValue,
                },
                directive);
        }
    }

    /// <summary>Notes the sequence of a bundle that verified; null: it has none.</summary>
    public void Saw(long? sequence)
    {
        lock (_lock)
        {
            if (sequence is { } seen && !(seen <= _highestSequence))
            {
                _highestSequence = seen;
                Changed?.Invoke();
            }
        }
    }

    /// <summary>Keeps a bundle at hand that may be needed soon.</summary>
    public void Keep(LoadedPolicy policy)
    {
        lock (_lock)
        {
            _kept = _kept.RemoveAll(p => p.PolicyHash == policy.PolicyHash).Insert(0, policy);
            while (_kept.Count > KeptMax)
            {
                _kept = _kept.RemoveAt(_kept.FindLastIndex(p => p.PolicyHash != _now.FallbackHash && p.PolicyHash != _now.Policy?.PolicyHash));
            }
        }
    }

    public bool Has(string policyHash)
    {
        lock (_lock)
        {
            return _kept.Exists(p => p.PolicyHash == policyHash);
        }
    }

    /// <summary>Whether what is demanded is at hand, verified and warm, and waits for the node's parity group.</summary>
    public bool IsPrepared
    {
        get
        {
            lock (_lock)
            {
                return _prepared is not null;
            }
        }
    }

    /// <summary>Notes why the demanded bundle cannot be in force.</summary>
    public void Refuse(string policyHash, string error)
    {
        lock (_lock)
        {
            if (policyHash == _now.WantedHash && !_now.InForce)
            {
                _nack = new Nack(policyHash, error);
            }
        }
    }

    /// <summary>What a report says of all this.</summary>
    public Word Word()
    {
        lock (_lock)
        {
            // While a bundle is being loaded the node is still where it was: it says so, and says neither yes nor no to the new epoch.
            var group = _now.GroupWord(_prepared is not null);
            return (_now.InForce, _nack) switch
            {
                (true, _) => new Word(_now.Epoch, true, null, _now, group),
                (false, { } nack) => new Word(_now.Epoch, false, nack.Error, _now, group),
                (false, null) => new Word(_epochInForce, true, null, _now, group),
            };
        }
    }

    /// <summary>The application's word that the node leads, or does not any more. False: it is so already.</summary>
    public bool Lead(bool leads)
    {
        lock (_lock)
        {
            if (leads == _now.Term > 0)
            {
                return false;
            }

            Publish(_now with { Term = leads ? ++_terms : 0, AgreedHash = null }, _directive);
            return true;
        }
    }

    /// <summary>What a handshake of a term found: a leader serves the hash, or nothing. Of a term that is over it says nothing.</summary>
    public void Agree(long term, string? policyHash)
    {
        lock (_lock)
        {
            if (_now.Term == term && _now.AgreedHash != policyHash)
            {
                Publish(_now with { AgreedHash = policyHash }, _directive);
            }
        }
    }

    /// <summary>From now on nothing is served, whoever still hears or loads something.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
            _now = _now with { LeaseUntil = long.MinValue };
        }
    }

    private static bool IsOlder(NodeDirective directive, NodeSnapshot than) =>
        directive.Epoch < than.Epoch || directive.ArmEpoch < than.ArmEpoch
        || (directive.Epoch == than.Epoch && directive.Group?.IsBehind(than.Group) == true);

    private static long Later(long one, long other) => one == long.MaxValue ? other : Math.Max(one, other);

    private long Until(long sentAt, int leaseSec) => sentAt + (leaseSec * time.TimestampFrequency);

    private void Publish(NodeSnapshot snapshot, NodeDirective? directive)
    {
        if (snapshot.InForce)
        {
            _epochInForce = snapshot.Epoch;
        }

        Saw(snapshot.Policy?.Prepared.Bundle.Metadata.Sequence);
        Volatile.Write(ref _directive, directive);
        _now = snapshot;
        Changed?.Invoke();
    }

    private sealed record Nack(string PolicyHash, string Error);
}

/// <summary>What a directive changed.</summary>
/// <param name="IsNews">A higher epoch than before.</param>
/// <param name="Swapped">Another bundle is in force already.</param>
/// <param name="NeedsLoad">The demanded bundle must be loaded.</param>
/// <param name="WantsOther">Another hash is demanded than before.</param>
/// <param name="Rearmed">Something was said about whether it may serve.</param>
/// <param name="GroupMoved">Something was said about its parity group.</param>
internal readonly record struct HeardResult(bool IsNews, bool Swapped, bool NeedsLoad, bool WantsOther, bool Rearmed, bool GroupMoved)
{
    public static readonly HeardResult Ignored;
}

/// <summary>What a node says of itself.</summary>
internal readonly record struct Word(long Epoch, bool Ack, string? Error, NodeSnapshot Snapshot, GroupWord? Group);
