using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client;

/// <summary>
/// Sees to it that what lies at a path is what is in force. It always looks, every few seconds, and events of the file system only make
/// it look sooner; so links that are switched, files that are replaced and file systems without events need nothing of their own. A file
/// is read once it has been quiet for a moment, and taken only where it looked the same before and after; one that is no JSON is given
/// longer, because it may be half of one.
/// </summary>
internal sealed class BundleFileWatcher(string path, FileReloads reloads, NodeTruth truth, NodeVoice voice, PolicyNodeOptions options) : IDisposable
{
    /// <summary>A burst of writes is one change: this long nothing may have happened.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// No writer pauses longer in the middle of a file, and no file system's clock is coarser: what is not there or no JSON after this
    /// time is told as a failure, and what was read earlier is compared once more.
    /// </summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    /// <summary>What could not be put on record, or not be verified for want of a control plane, is tried again.</summary>
    private static readonly Backoff AfterOutage = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    private readonly TimeProvider _time = options.TimeProvider;
    private readonly Wakeup _wakeup = new(options.TimeProvider);
    private FileEvents? _events;
    private WatchedFile? _judged;
    private bool _isFinal;
    private bool _hasFailed;
    private int _outages;

    /// <summary>
    /// The first look, before anybody is served: takes the file as it is. One that is no JSON is left to <see cref="RunAsync"/>, and one
    /// that was in force before a restart is not judged again: what was in force since, by a reload of another file, stays.
    /// </summary>
    public Task BeginAsync(CancellationToken cancellationToken) =>
        JudgeAsync(WatchedFile.Look(path), isSettled: options.BundleFileWatch == BundleFileWatch.None, cancellationToken);

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (options.BundleFileWatch == BundleFileWatch.None)
        {
            return;
        }

        _events = options.BundleFileWatch == BundleFileWatch.EventsAndPolling ? new FileEvents(path, _wakeup.Wake) : null;
        var seen = WatchedFile.Look(path);
        var seenAt = _time.GetTimestamp();
        var isTroubled = false;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                _events?.Listen(seen.RealPath);
                var look = WatchedFile.Look(path);
                if (look != seen)
                {
                    (seen, seenAt) = (look, _time.GetTimestamp());
                }

                var pause = await StepAsync(look, _time.GetElapsedTime(seenAt), cancellationToken);
                if (isTroubled)
                {
                    isTroubled = false;
                    voice.Say(NodeEventKind.Recovered, "reload.file_recovered", $"{path} is watched again.", NodeEventSource.BundleFile);
                }

                await _wakeup.SleepAsync(pause, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                voice.Say(NodeEventKind.Trouble, ReloadCodes.File, $"{path} could not be watched: {e.Message}", NodeEventSource.BundleFile);
                isTroubled = true;
                await Task.Delay(options.BundleFilePoll, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public void Dispose() => _events?.Dispose();

    /// <summary>Looks now.</summary>
    public void Wake() => _wakeup.Wake();

    private async Task<TimeSpan> StepAsync(WatchedFile look, TimeSpan unchangedFor, CancellationToken cancellationToken)
    {
        if (look == _judged && _isFinal)
        {
            return options.BundleFilePoll;
        }

        var isSettled = unchangedFor >= Settled;
        if (unchangedFor < Quiet)
        {
            return Quiet - unchangedFor;
        }

        if (look == _judged && !isSettled)
        {
            return Settled - unchangedFor;
        }

        return await JudgeAsync(look, isSettled, cancellationToken) ?? (isSettled ? options.BundleFilePoll : Settled - unchangedFor);
    }

    // A pause after which to judge again; null: judged.
    private async Task<TimeSpan?> JudgeAsync(WatchedFile look, bool isSettled, CancellationToken cancellationToken)
    {
        var source = BundleSource.OfFile(path);
        var content = await source.ReadAsync(cancellationToken);
        if (WatchedFile.Look(path) != look || (!isSettled && (!content.Succeeded || !IsJson(content.Value))))
        {
            return Quiet;
        }

        if (!content.Succeeded || (truth.Now.Policy is null && _judged is null) || WatchedFile.Hash(content.Value) != reloads.JudgedHash)
        {
            var read = content.Succeeded ? BundleSource.OfBytes(path, content.Value) : source;
            var result = await reloads.ReloadAsync(read, new ReloadOrder(), options.CommitFile, cancellationToken);
            _hasFailed = !result.Success;
            if (result is { Success: false, Code: ReloadCodes.Audit or ReloadCodes.Fetch })
            {
                return AfterOutage.After(++_outages);
            }
        }
        else if (_hasFailed && reloads.JudgedHash == reloads.TakenHash)
        {
            // It was away, say, and came back as it had been taken: there is nothing to swap that would end the trouble.
            _hasFailed = false;
            voice.Say(NodeEventKind.Recovered, "node.bundle_recovered", $"{path} is again what was put in force.");
        }

        _outages = 0;
        (_judged, _isFinal) = (look, isSettled);
        return null;
    }

    private static bool IsJson(byte[] content)
    {
        try
        {
            var reader = new Utf8JsonReader(content, new JsonReaderOptions { MaxDepth = BundleLimits.DepthMax + 1 });
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
