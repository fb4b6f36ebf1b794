using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>
/// Reloads from files, one at a time: read, verify, compile and warm away from the threads that decide; then the directive that says so
/// is made true; then one swap. Whatever fails on the way leaves the bundle in force as it is.
/// </summary>
internal sealed class FileReloads(
    PolicyLoader loader, NodeTruth truth, NodeReloader reloader, ReloadLog log, NodeVoice voice, PolicyNodeOptions options) : IDisposable
{
    private const int ErrorCharsMax = 1000;
    private const int ProblemsToldMax = 3;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly TimeProvider _time = options.TimeProvider;
    private string? _judgedHash;
    private string? _takenHash;

    /// <summary>
    /// The SHA-256 of the last bytes of <see cref="PolicyNodeOptions.BundleFile"/> that were judged, whoever asked for it: they need not be
    /// judged again by themselves. Null: none were.
    /// </summary>
    public string? JudgedHash => Volatile.Read(ref _judgedHash);

    /// <summary>The same of the last bytes that were put in force. What was refused may be taken after a restart, so it outlives none.</summary>
    public string? TakenHash => Volatile.Read(ref _takenHash);

    /// <summary>Takes up what was put in force before a restart.</summary>
    public void Resume(string contentHash)
    {
        Volatile.Write(ref _judgedHash, contentHash);
        Volatile.Write(ref _takenHash, contentHash);
    }

    /// <summary>Puts a bundle in force, or says why not. Throws for nothing but its own cancellation.</summary>
    /// <param name="source">The bundle.</param>
    /// <param name="order">What is allowed beyond the usual.</param>
    /// <param name="commit">Makes the directive true that demands it; null: the node's own, one epoch higher.</param>
    /// <param name="cancellationToken">Gives up while nothing is committed.</param>
    public async Task<ReloadResult> ReloadAsync(
        BundleSource source, ReloadOrder order, CommitFile? commit, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var started = _time.GetTimestamp();
            var content = await source.ReadAsync(cancellationToken);
            return content.Succeeded
                ? await ReloadInTurnAsync(source.Name, content.Value, order, commit, started, cancellationToken)
                : Failed(source.Name, content.Problems, started);
        }
        finally
        {
            EndTurn();
        }
    }

    /// <summary>Tells of a reload that failed before its turn.</summary>
    public ReloadResult Failed(string name, ImmutableArray<Problem> problems, long started)
    {
        var code = ReloadCodes.Of(problems[0].Code);
        var more = problems.Length > ProblemsToldMax ? $" (and {problems.Length - ProblemsToldMax} more)" : "";
        var error = string.Join(" ", problems.Take(ProblemsToldMax).Select(problem => $"{problem.Code}: {problem.Message}")) + more;
        error = error.Length > ErrorCharsMax ? error[..ErrorCharsMax] : error;
        var now = truth.Now;
        var took = _time.GetElapsedTime(started).TotalMilliseconds;
        log.Remember(new ReloadRecord(_time.GetUtcNow(), now.Policy?.Version, now.Policy?.PolicyHash, false, took, 0, error) { Code = code });
        voice.Say(NodeEventKind.Refused, code, $"{name} is refused: {error}");
        voice.ReportSoon();
        return new ReloadResult
        {
            Success = false,
            Version = now.Policy?.Version,
            PolicyHash = now.Policy?.PolicyHash,
            Epoch = now.Epoch,
            DurationMs = took,
            PoliciesLoaded = 0,
            Code = code,
            Problems = problems,
            Error = error,
        };
    }

    public void Dispose() => _turn.Dispose();

    private void EndTurn()
    {
        try
        {
            _turn.Release();
        }
        catch (ObjectDisposedException)
        {
            // The node was stopped meanwhile: nobody comes after this one.
        }
    }

    private async Task<ReloadResult> ReloadInTurnAsync(
        string name, byte[] content, ReloadOrder order, CommitFile? commit, long started, CancellationToken cancellationToken)
    {
        ImmutableArray<Problem>? problems;
        LoadedPolicy? policy = null;
        try
        {
            // Never on the caller's thread: it may be one that decides.
            policy = await Task.Run(() => PrepareAsync(content, order, cancellationToken), cancellationToken);
            problems = await reloader.BringAsync(policy, () => commit is null ? Task.FromResult(Next(policy)) : commit(policy, truth.Now.Epoch), started);
        }
        catch (PolicyLoadException e)
        {
            problems = e.Problems;
        }
        catch (Exception e) when (e is PolicyApiException or PolicyUnreachableException)
        {
            problems = [new Problem(e is PolicyApiException answer ? answer.Code : "node.unreachable", e.Message)];
        }

        if (problems is { } found && ReloadCodes.Of(found[0].Code) is ReloadCodes.Audit or ReloadCodes.Fetch)
        {
            // Not judged: what could not be done now may be done with the same bytes later.
            return Failed(name, found, started);
        }

        if (name == options.BundleFile)
        {
            var hash = WatchedFile.Hash(content);
            Volatile.Write(ref _judgedHash, hash);
            if (problems is null)
            {
                Volatile.Write(ref _takenHash, hash);
                truth.Changed?.Invoke();
            }
        }

        if (problems is { } refused)
        {
            return Failed(name, refused, started);
        }

        var now = truth.Now;
        return new ReloadResult
        {
            Success = true,
            Version = policy!.Version,
            PolicyHash = policy.PolicyHash,
            Epoch = now.Epoch,
            DurationMs = _time.GetElapsedTime(started).TotalMilliseconds,
            PoliciesLoaded = policy.Rules.Count,
        };
    }

    private async Task<LoadedPolicy> PrepareAsync(byte[] content, ReloadOrder order, CancellationToken cancellationToken)
    {
        var held = new PreparationOptions
        {
            ValidAt = order.AllowExpired ? null : _time.GetUtcNow(),
            HighestSequence = order.AllowOlder ? null : truth.HighestSequence,
        };
        var policy = await loader.PrepareAsync(content, held, cancellationToken);

        // Seen, also where nobody takes it: an older one is a replay from now on.
        truth.Saw(policy.Prepared.Bundle.Metadata.Sequence);
        if (reloader.ObjectionTo(policy) is { } objection)
        {
            throw new PolicyLoadException("node.not_accepted", objection);
        }

        reloader.Warm(policy);
        return policy;
    }

    // A node without a control plane leads itself. Nothing could take a bundle back from it, so no lease would bound anything.
    private Outcome<NodeDirective> Next(LoadedPolicy policy) => Outcome<NodeDirective>.Ok(new NodeDirective
    {
        Epoch = truth.Now.Epoch + 1,
        PolicyHash = policy.PolicyHash,
        Version = policy.Version,
        LeaseSec = null,
    });
}

/// <summary>Makes the directive true that demands a file, and tells it.</summary>
/// <param name="policy">The file, verified and compiled.</param>
/// <param name="knownEpoch">The highest epoch that the node knows: the directive's is above it.</param>
internal delegate Task<Outcome<NodeDirective>> CommitFile(LoadedPolicy policy, long knownEpoch);
