using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// Ten thousand nodes behind one relay: it registers them in one batch, reports for all of them at the fleet's interval and at once after a change, and
/// derives from the directive in the answer what each of them runs.
/// </summary>
internal sealed class RelayedNodes : IAsyncDisposable
{
    /// <summary>How many there are: as many as one batch takes.</summary>
    public const int Count = 10_000;

    private const int BytesOfAReport = 400;
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromMilliseconds(500);

    private readonly HttpClient _http;
    private readonly string _path;
    private readonly TimeSpan _interval;
    private readonly NodeRecord[] _nodes;
    private readonly string?[] _running;
    private readonly ArrayBufferWriter<byte> _batch = new(Count * BytesOfAReport);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<long, DateTimeOffset> _noticed = [];
    private Task _reporting = Task.CompletedTask;
    private long _epoch;
    private long _seq;

    private RelayedNodes(HttpClient http, string path, TimeSpan interval, NodeRecord[] nodes)
    {
        (_http, _path, _interval, _nodes) = (http, path, interval, nodes);
        _running = new string?[nodes.Length];
    }

    /// <summary>Batches that failed and were sent again.</summary>
    public int Troubles { get; private set; }

    /// <summary>Reports that were not taken.</summary>
    public int Rejected { get; private set; }

    /// <summary>Registers the nodes of one relay.</summary>
    public static async Task<RelayedNodes> RegisterAsync(Uri server, string fleet, string relayKey, int relay, TimeSpan interval)
    {
        var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server, Timeout = TimeSpan.FromSeconds(60) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", relayKey);
        var registrations = Enumerable.Range(0, Count).Select(index => new NodeRegistration
        {
            Node = string.Create(CultureInfo.InvariantCulture, $"gateway-{relay}-{index:D5}"),
            FailureDomain = $"zone-{index % 4}",
        });
        var path = $"/v1/default/fleets/{fleet}";
        using var answer = await http.PostAsJsonAsync(path + "/nodes:batch", registrations, PolicyJson.Options);
        answer.EnsureSuccessStatusCode();
        var registered = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return new RelayedNodes(http, path, interval, registered.GetProperty("nodes").Deserialize<NodeRecord[]>(PolicyJson.Options)!);
    }

    /// <summary>Begins to report, after a while: not all relays speak at once.</summary>
    public void Start(TimeSpan after) => _reporting = Task.Run(() => ReportAsync(after));

    /// <summary>When the nodes heard of an epoch, or of a later one; null: they have not.</summary>
    public DateTimeOffset? NoticedAt(long epoch)
    {
        if (_reporting.IsFaulted)
        {
            throw _reporting.Exception;
        }

        lock (_lock)
        {
            var later = _noticed.Where(known => known.Key >= epoch).Select(known => known.Value).ToList();
            return later.Count == 0 ? null : later.Min();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _http.Dispose();
        _stopping.Dispose();
    }

    private async Task ReportAsync(TimeSpan after)
    {
        while (!_stopping.IsCancellationRequested)
        {
            await Task.Delay(after, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                after = await ReportOnceAsync() ? TimeSpan.Zero : _interval;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                Troubles++;
                after = AfterTrouble;
            }
        }
    }

    // True: something is to be told at once.
    private async Task<bool> ReportOnceAsync()
    {
        Compose();
        using var content = new ReadOnlyMemoryContent(_batch.WrittenMemory);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var answer = await _http.PostAsync(_path + "/reports:batch", content, _stopping.Token);
        answer.EnsureSuccessStatusCode();
        var heard = await answer.Content.ReadFromJsonAsync<JsonElement>(_stopping.Token);
        var at = DateTimeOffset.UtcNow;
        Rejected += heard.GetProperty("rejected").GetArrayLength();
        var directive = heard.GetProperty("directive").Deserialize<Directive>(PolicyJson.Options)!;
        if (directive.Epoch <= _epoch)
        {
            return false;
        }

        for (var index = 0; index < _nodes.Length; index++)
        {
            _running[index] = Cohorts.AssignedHash(directive, _nodes[index]);
        }

        _epoch = directive.Epoch;
        lock (_lock)
        {
            _noticed[directive.Epoch] = at;
        }

        return true;
    }

    private void Compose()
    {
        _batch.ResetWrittenCount();
        _seq++;
        using var json = new Utf8JsonWriter(_batch);
        json.WriteStartArray();
        for (var index = 0; index < _nodes.Length; index++)
        {
            json.WriteStartObject();
            json.WriteString("node", _nodes[index].Node);
            json.WriteString("boot_id", "relayed");
            json.WriteNumber("seq", _seq);
            json.WriteNumber("epoch", _epoch);
            json.WriteString("policy_hash", _running[index]);
            json.WriteBoolean("ack", true);
            json.WriteStartObject("metrics");
            Metric("decisions", 100, 100);
            Metric("error_rate", 100, 0);
            Metric("decision_us", 100, 250);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();

        void Metric(string name, int count, int sum)
        {
            json.WriteStartObject(name);
            json.WriteNumber("count", count);
            json.WriteNumber("sum", sum);
            json.WriteEndObject();
        }
    }
}
