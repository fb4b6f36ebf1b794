using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace OrleansPolicy.Benchmarks;

/// <summary>One open long poll for each node of a fleet, asked anew whenever it is answered, over plain HTTP and under the node's own key.</summary>
internal sealed class RawPolls : IAsyncDisposable
{
    private static readonly object OneDecision = new { decisions = new { count = 1, sum = 1 }, error_rate = new { count = 1, sum = 0 } };

    private readonly string _path;
    private readonly HttpClient _http;
    private readonly IReadOnlyList<string> _nodeKeys;
    private readonly AuthenticationHeaderValue _relay;
    private readonly CancellationTokenSource _stopping = new();
    private readonly (long Epoch, string PolicyHash, DateTimeOffset At)[] _heard;
    private readonly string _bootId = Guid.NewGuid().ToString("N");
    private Task _polling = Task.CompletedTask;
    private int _troubles;
    private long _seq;

    public RawPolls(Uri server, string fleet, IReadOnlyList<string> nodeKeys, string relayKey)
    {
        _path = $"/v1/default/fleets/{fleet}";
        _heard = new (long, string, DateTimeOffset)[nodeKeys.Count];
        _nodeKeys = nodeKeys;
        _relay = new AuthenticationHeaderValue("Bearer", relayKey);
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = int.MaxValue })
        {
            BaseAddress = server,
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    /// <summary>Polls that failed or were refused, and were tried again.</summary>
    public int Troubles => Volatile.Read(ref _troubles);

    /// <summary>Opens them over a few seconds.</summary>
    public void Start() => _polling = Task.WhenAll(Enumerable.Range(0, _heard.Length).Select(PollAsync));

    /// <summary>Waits until each node has heard an epoch, and says when the last one did.</summary>
    public async Task<DateTimeOffset> UntilAllHeardAsync(long epoch)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!Array.TrueForAll(_heard, heard => heard.Epoch >= epoch))
        {
            if (_polling.IsFaulted)
            {
                await _polling;
            }

            await Task.Delay(50, patience.Token);
        }

        return _heard.Max(heard => heard.At);
    }

    /// <summary>Says for all nodes at once that they run what they heard, and that each made a decision.</summary>
    public async Task AckAsync()
    {
        var seq = ++_seq;
        var reports = _heard.Select((heard, i) => new
        {
            node = Installation.NameOf(i),
            boot_id = _bootId,
            seq,
            epoch = heard.Epoch,
            policy_hash = heard.PolicyHash,
            ack = true,
            metrics = OneDecision,
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_path + "/reports:batch", UriKind.Relative))
        {
            Content = JsonContent.Create(reports),
        };
        request.Headers.Authorization = _relay;
        using var answer = await _http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _polling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _http.Dispose();
        _stopping.Dispose();
    }

    private async Task PollAsync(int index)
    {
        string? etag = null;
        var uri = new Uri($"{_path}/nodes/{Installation.NameOf(index)}/directive?wait=7", UriKind.Relative);
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(index * 0.5), _stopping.Token);
            while (true)
            {
                try
                {
                    etag = await PollOnceAsync(uri, index, etag);
                }
                catch (HttpRequestException e) when (e.StatusCode is null or HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable)
                {
                    Interlocked.Increment(ref _troubles);
                    await Task.Delay(500, _stopping.Token);
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
    }

    private async Task<string?> PollOnceAsync(Uri uri, int index, string? etag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _nodeKeys[index]);
        if (etag is not null)
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", etag);
        }

        using var answer = await _http.SendAsync(request, _stopping.Token);
        var at = DateTimeOffset.UtcNow;
        if (answer.StatusCode == HttpStatusCode.NotModified)
        {
            return etag;
        }

        answer.EnsureSuccessStatusCode();
        using var body = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(_stopping.Token));
        _heard[index] = (
            body.RootElement.GetProperty("epoch").GetInt64(), body.RootElement.GetProperty("policy_hash").GetString()!, at);
        return answer.Headers.ETag?.ToString();
    }
}
