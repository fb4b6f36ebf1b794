using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using OrleansPolicy.Fleets;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Benchmarks.Scale;

/// <summary>
/// As many nodes as one likes, behind one relay that reports for a thousand of them at a time, each node once in a round, evenly over
/// the round. They obey at once and make one decision a round.
/// </summary>
internal sealed class RelayedFleet : IAsyncDisposable
{
    private const int Together = 1_000;
    private static readonly object OneDecision = new { decisions = new { count = 1, sum = 1 }, error_rate = new { count = 1, sum = 0 } };

    private readonly Uri _path;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(60) };
    private readonly NodeRegistration[][] _batches;
    private readonly TimeSpan _round;
    private readonly string _bootId = Guid.NewGuid().ToString("N");
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _reporting;
    private readonly Dictionary<string, string?> _hashes = new(StringComparer.Ordinal);
    private Directive _directive;
    private long _reports;

    public RelayedFleet(Uri server, string relayKey, string fleet, Directive directive, int nodes, TimeSpan round)
    {
        _path = new Uri(server, $"/v1/default/fleets/{fleet}/reports:batch");
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", relayKey);
        (_directive, _round) = (directive, round);
        _batches = [.. Installation.Registrations(nodes).Chunk(Together)];
        _reporting = Task.Run(ReportAsync);
    }

    /// <summary>Reports that were taken so far.</summary>
    public long Reports => Interlocked.Read(ref _reports);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _http.Dispose();
        _stopping.Dispose();
    }

    private async Task ReportAsync()
    {
        using var turns = new PeriodicTimer(_round / _batches.Length);
        for (var seq = 1L; ; seq++)
        {
            foreach (var batch in _batches)
            {
                await ReportAsync(batch, seq);
                await turns.WaitForNextTickAsync(_stopping.Token);
            }
        }
    }

    private async Task ReportAsync(NodeRegistration[] batch, long seq)
    {
        var directive = _directive;
        using var answer = await _http.PostAsJsonAsync(
            _path,
            batch.Select(node =>
            {
                // Registered before any census was taken.
                var hash = Cohorts.IsInCohort(directive, "node:" + node.Node, node.FailureDomain!, registration: 0) ? directive.Target : directive.Fallback;
                var reloaded = _hashes.GetValueOrDefault(node.Node) != hash;
                _hashes[node.Node] = hash;
                return new
                {
                    node = node.Node,
                    boot_id = _bootId,
                    seq,
                    epoch = directive.Epoch,
                    policy_hash = hash,
                    ack = true,
                    metrics = OneDecision,
                    reload = reloaded ? new { at = DateTimeOffset.UtcNow, policy_hash = hash, success = true, duration_ms = 1, rules = 2 } : null,
                };
            }),
            _stopping.Token);
        answer.EnsureSuccessStatusCode();
        var heard = (await answer.Content.ReadFromJsonAsync<RelayAnswer>(PolicyJson.Options, _stopping.Token))!;
        if (!heard.Rejected.IsEmpty)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{heard.Rejected.Length} reports were rejected, the first as {heard.Rejected[0].Code}."));
        }

        _directive = heard.Directive;
        Interlocked.Add(ref _reports, batch.Length);
    }

    /// <summary>Throws what went wrong with the reports, if anything did.</summary>
    public void ThrowIfFailed()
    {
        if (_reporting.IsFaulted)
        {
            _reporting.GetAwaiter().GetResult();
        }
    }
}
