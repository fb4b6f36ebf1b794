using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>
/// The application's node, started with its host and stopped after the last request. The host never waits for the control plane
/// and never fails because of it: until the node is there, everything is denied with <c>decide.no_policy</c>.
/// </summary>
internal sealed partial class HostedPolicyNode(
    IOptions<PolicyNodeSettings> settings, ILogger<HostedPolicyNode> logger, TimeProvider? time = null) : IPolicyNode, IHostedService, IAsyncDisposable, IDisposable
{
    private static readonly Backoff BetweenStarts = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10));
    private static readonly Decision NotStarted = new(false, false, PolicyNodeStatus.NotStarted.Refusal!, null, null, null);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly CancellationTokenSource _stopping = new();
    private Task _starting = Task.CompletedTask;
    private readonly Lock _leading = new();
    private bool _leads;
    private volatile PolicyNode? _node;
    private volatile NodeEvent? _notStarted;
    private readonly ConcurrentDictionary<NodeEventSource, NodeEvent> _troubles = new();

    public string Name => settings.Value.Node;

    public PolicyNodeStatus Status => _node?.Status ?? PolicyNodeStatus.NotStarted;

    /// <summary>What keeps the node from starting, or a part of it from doing what it should, until it does again; null: nothing is known.</summary>
    public NodeEvent? Trouble => _notStarted ?? _troubles.ToArray().OrderBy(trouble => trouble.Key).FirstOrDefault().Value;

    public NodeDecision Decide(string capabilityId, DecisionContext? context) =>
        _node is { } node ? node.Decide(capabilityId, context) : new NodeDecision(NotStarted, null, null, 0, _time.GetUtcNow());

    public bool Record(string metric, double value) => _node?.Record(metric, value) ?? false;

    public void RecordFailure() => _node?.RecordFailure();

    public void Promote() => Lead(true);

    public void Demote() => Lead(false);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _starting = Task.Run(StartNodeAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _starting.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_node is { } node)
        {
            // It denies from here on; the last requests are through.
            await node.DisposeAsync();
        }
    }

    // A host that failed to start is disposed without being stopped. Called once for each service this is registered as.
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    public void Dispose() => StopAsync(CancellationToken.None).GetAwaiter().GetResult();

    private async Task StartNodeAsync()
    {
        for (var failures = 1; !_stopping.IsCancellationRequested; failures++)
        {
            try
            {
                // Those of a node that did not come to be are nobody's.
                _troubles.Clear();
                var node = await PolicyNode.StartAsync(await OptionsAsync(), _stopping.Token);
                lock (_leading)
                {
                    // The application may lead before its node has started.
                    if (_leads)
                    {
                        node.Promote();
                    }

                    _node = node;
                }

                _notStarted = null;

                LogStarted(Name, settings.Value.Fleet);
                return;
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // A key that is not made yet, a file that is not mounted yet, a control plane that is away: all of it may come.
                _notStarted = new NodeEvent(_time.GetUtcNow(), NodeEventKind.Trouble, (e as PolicyApiException)?.Code ?? "node.not_started", e.Message);
                LogNotStarted(e, Name, failures);
            }

            await Task.Delay(BetweenStarts.After(failures), _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Lead(bool leads)
    {
        if (leads && settings.Value.BundleFile is { Length: > 0 })
        {
            throw new InvalidOperationException("The node is led by a file: there is no group whose members it could ask what they run.");
        }

        lock (_leading)
        {
            if (leads)
            {
                _node?.Promote();
            }
            else
            {
                _node?.Demote();
            }

            _leads = leads;
        }
    }

    private async Task<PolicyNodeOptions> OptionsAsync()
    {
        var given = settings.Value;
        var key = given.ApiKeyFile is { Length: > 0 } file ? await File.ReadAllTextAsync(file, _stopping.Token) : given.ApiKey ?? "";
        var options = new PolicyNodeOptions
        {
            Servers = given.Servers.Count > 0 ? [.. given.Servers] : [given.Server],
            ApiKey = key.Trim(),
            Tenant = given.Tenant,
            Fleet = given.Fleet,
            Node = given.Node,
            FailureDomain = given.FailureDomain,
            Role = given.Role,
            ParityGroup = given.ParityGroup,
            Labels = given.Labels.ToImmutableSortedDictionary(StringComparer.Ordinal),
            TrustRootFile = given.TrustRootFile is { Length: > 0 } root ? root : null,
            TrustRootSha256 = given.TrustRootSha256 is { Length: > 0 } hash ? hash : null,
            TrustOnFirstUse = given.TrustOnFirstUse,
            DefaultEffect = given.DefaultEffect,
            StateFolder = given.StateFolder is { Length: > 0 } folder ? folder : null,
            BundleFile = given.BundleFile is { Length: > 0 } bundle ? bundle : null,
            DecisionLog = given.DecisionLog,
            TimeProvider = _time,
        };
        options = given.Adjust?.Invoke(options) ?? options;
        var told = options.OnEvent;
        return options with
        {
            OnEvent = e =>
            {
                Hear(e);
                told?.Invoke(e);
            },
        };
    }

    private void Hear(NodeEvent e)
    {
        switch (e.Kind)
        {
            case NodeEventKind.Trouble or NodeEventKind.Refused:
                _troubles[e.Source] = e;
                LogTrouble(e.Code, e.Text);
                break;
            case NodeEventKind.Recovered or NodeEventKind.Swapped:
                _troubles.TryRemove(e.Source, out _);
                LogEvent(e.Code, e.Text);
                break;
            default:
                LogEvent(e.Code, e.Text);
                break;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Policy node {Node} of fleet {Fleet} has started.")]
    private partial void LogStarted(string node, string fleet);

    [LoggerMessage(2, LogLevel.Warning, "Policy node {Node} could not start (attempt {Attempt}); everything is denied until it does.")]
    private partial void LogNotStarted(Exception exception, string node, int attempt);

    [LoggerMessage(3, LogLevel.Warning, "Policy: {Text} [{Code}]")]
    private partial void LogTrouble(string code, string text);

    [LoggerMessage(4, LogLevel.Information, "Policy: {Text} [{Code}]")]
    private partial void LogEvent(string code, string text);
}
