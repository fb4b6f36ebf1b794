using OrleansPolicy.Bundles;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Client;

/// <summary>Keeps a node's state on disk, behind its back: what changes is written soon after, and a disk that fails stops no decision.</summary>
internal sealed class StateKeeper
{
    private static readonly Backoff AfterFailure = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));

    private readonly StateFolder _folder;
    private readonly NodeTruth _truth;
    private readonly TrustAnchor _anchor;
    private readonly FileReloads _files;
    private readonly NodeVoice _voice;
    private readonly PolicyNodeOptions _options;
    private readonly Wakeup _wakeup;
    private KeptState? _kept;

    public StateKeeper(StateFolder folder, NodeTruth truth, TrustAnchor anchor, FileReloads files, NodeVoice voice, PolicyNodeOptions options)
    {
        (_folder, _truth, _anchor, _files, _voice, _options) = (folder, truth, anchor, files, voice, options);
        _wakeup = new Wakeup(options.TimeProvider);
        truth.Changed += _wakeup.Wake;
    }

    /// <summary>
    /// Takes up what was kept, if it is this node's and still verifies: compiled and warm before anybody asks, whether or not it may be
    /// served already. Null: there is nothing to take up.
    /// </summary>
    public async Task<KeptState?> ResumeAsync(PolicyLoader loader, NodeReloader reloader, CancellationToken cancellationToken)
    {
        if (await _folder.ReadAsync(cancellationToken) is not var (state, content) || !IsOurs(state))
        {
            return null;
        }

        // Whatever becomes of the bundle: what was seen once is never gone behind.
        _kept = state;
        _anchor.Resume(state.Roots);
        _truth.Saw(state.HighestSequence);
        if (IsLedByAnother(state))
        {
            // The epochs of a file and those of a fleet have nothing in common: with the one's the other would never be obeyed.
            _kept = state with { Directive = null, PolicyHash = null, LoadedAt = null, File = null, FileHash = null };
            return null;
        }

        if (content is null || state is not { Directive: { } directive, LoadedAt: { } loadedAt })
        {
            return null;
        }

        try
        {
            // It was in force, so neither time nor sequence is held against it: a running bundle stays servable.
            var policy = loader.PrepareKept(content);
            if (policy.PolicyHash != state.PolicyHash)
            {
                throw new PolicyLoadException("node.hash_mismatch", $"The kept bundle is {policy.PolicyHash}, not {state.PolicyHash}.");
            }

            reloader.Warm(policy);
            var group = _options.ParityGroup is { } name && name != directive.Group?.Name
                ? new GroupDirective(name, _options.FailureDomain, 0, ParityPhase.Prepare)
                : null;
            _truth.Resume(policy, directive, loadedAt, group);
            _voice.Say(NodeEventKind.Resumed, "node.resumed", $"{policy.Version} was kept from before the restart");
            return state;
        }
        catch (PolicyLoadException e)
        {
            _voice.Say(NodeEventKind.Trouble, ReloadCodes.Of(e.Code), $"The kept bundle is refused: {e.Code}: {e.Message}");
            return null;
        }
    }

    /// <summary>Until cancelled; what is not written then is written last of all.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        for (var failures = 0; !cancellationToken.IsCancellationRequested;)
        {
            var failed = failures > 0;
            failures = Keep() ? 0 : failures + 1;
            if (failed && failures == 0)
            {
                _voice.Say(NodeEventKind.Recovered, "node.state_written", "The last good bundle is kept on disk again.", NodeEventSource.StateFolder);
            }

            await _wakeup.SleepAsync(failures == 0 ? TimeSpan.FromHours(1) : AfterFailure.After(failures), cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Keep();
    }

    private bool Keep()
    {
        var (now, directive) = (_truth.Now, _truth.Directive);
        var policy = directive is null ? null : now.Policy;
        var before = _kept ?? new KeptState { Tenant = _options.Tenant, Fleet = _options.Fleet, Node = _options.Node };
        var state = before with { HighestSequence = _truth.HighestSequence, Roots = _anchor.Now?.Chain ?? before.Roots };
        if (policy is not null)
        {
            state = state with
            {
                Directive = directive,
                PolicyHash = policy.PolicyHash,
                LoadedAt = now.LoadedAt ?? _options.TimeProvider.GetUtcNow(),
                File = _options.BundleFile,
                FileHash = _files.TakenHash,
            };
        }

        if (IsSame(state, _kept))
        {
            return true;
        }

        try
        {
            _folder.Write(state, policy?.Content);
            _kept = state;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _voice.Say(NodeEventKind.Trouble, "node.state_unwritable", $"The last good bundle cannot be kept on disk: {e.Message}", NodeEventSource.StateFolder);
            return false;
        }
    }

    private bool IsOurs(KeptState state) => state.Tenant == _options.Tenant && state.Fleet == _options.Fleet && state.Node == _options.Node;

    // A file leads a node by itself, else its control plane does. With a channel of the process's own both are of one store.
    private bool IsLedByAnother(KeptState state) => _options.Channel is null && (state.File is null) != (_options.BundleFile is null);

    // Lists compare by reference, and a chain of roots only grows.
    private static bool IsSame(KeptState one, KeptState? other) =>
        other is not null && one.Roots.Length == other.Roots.Length && one with { Roots = other.Roots } == other;
}
