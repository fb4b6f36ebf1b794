using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Prometheus;

/// <summary>
/// Keeps the answers of the queries that rollouts in flight read in this process. Each is asked by itself, a few at once, again and again
/// until nobody has read it for a while; where no rollout names one, nothing is done.
/// </summary>
internal sealed partial class PrometheusQueries : BackgroundService, IMetricQueries
{
    /// <summary>How many are kept at once; what is read beyond is unavailable.</summary>
    public const int KeptMax = 1_000;

    /// <summary>How many are asked at once.</summary>
    public const int AtOnceMax = 8;

    private readonly PrometheusSettings _settings;
    private readonly PrometheusClient _client;
    private readonly ICatalogStore _catalog;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Counter<long> _asked;
    private readonly Histogram<double> _seconds;
    private readonly SemaphoreSlim _places = new(AtOnceMax);
    private readonly ConcurrentDictionary<MetricQuery, AskedQuery> _kept = new();

    // Whoever reads is a grain's turn, which must not become the one that asks.
    private readonly Channel<AskedQuery> _new = Channel.CreateUnbounded<AskedQuery>();

    public PrometheusQueries(
        PrometheusSettings settings, PolicyMeter meter, ICatalogStore catalog, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock,
        ILogger<PrometheusQueries> logger)
    {
        (_settings, _catalog, _clock, _logger) = (settings, catalog, clock, logger);
        _client = new PrometheusClient(settings);
        Names = settings.Queries.Keys.ToImmutableHashSet(StringComparer.Ordinal);
        _asked = meter.Count(
            "policy_prometheus_queries_total", "Questions to the Prometheus server, by query and result: value, empty, several, not_a_number, failed, unavailable.");
        _seconds = meter.Time("policy_prometheus_query_duration_seconds", "Time until the Prometheus server had answered, or failed to.");
    }

    /// <inheritdoc/>
    public IReadOnlySet<string> Names { get; }

    /// <summary>How many queries are kept.</summary>
    public int Kept => _kept.Count;

    /// <inheritdoc/>
    public ImmutableSortedDictionary<string, QueriedMetric> Read(ImmutableArray<MetricQuery> asked) =>
        asked.ToImmutableSortedDictionary(query => MetricQuery.Prefix + query.Name, ReadOne, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _client.Dispose();
        _places.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var asking = new ConcurrentDictionary<Task, bool>();
        try
        {
            await foreach (var query in _new.Reader.ReadAllAsync(stoppingToken))
            {
                var task = KeepAsync(query, stoppingToken);
                asking[task] = true;
                _ = task.ContinueWith(done => asking.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
        finally
        {
            await Task.WhenAll(asking.Keys);
        }
    }

    private QueriedMetric ReadOne(MetricQuery query)
    {
        if (!_settings.Queries.TryGetValue(query.Name, out var text))
        {
            return QueriedMetric.Without(QueryCodes.Unknown);
        }

        var now = _clock.GetTimestamp();
        if (_kept.TryGetValue(query, out var kept))
        {
            kept.ReadAt = now;
            return kept.Known;
        }

        if (_kept.Count >= KeptMax)
        {
            return QueriedMetric.Without(QueryCodes.Unavailable);
        }

        var asked = new AskedQuery(query, text, now);
        if (_kept.TryAdd(query, asked))
        {
            _new.Writer.TryWrite(asked);
        }

        return asked.Known;
    }

    private async Task KeepAsync(AskedQuery query, CancellationToken stoppingToken)
    {
        try
        {
            do
            {
                await AskAsync(query, stoppingToken);
                await Task.Delay(query.Every, _clock, stoppingToken);
            }
            while (_clock.GetElapsedTime(query.ReadAt) < _settings.KeptFor);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Nobody looks at rollouts here any more.
        }
#pragma warning disable CA1031 // One query that cannot be asked must not end the asking for all; the next who reads it has it asked anew.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogBroken(query.Query.Name, exception);
        }
        finally
        {
            _kept.TryRemove(query.Query, out _);
        }
    }

    private async Task AskAsync(AskedQuery query, CancellationToken stoppingToken)
    {
        await _places.WaitAsync(stoppingToken);
        try
        {
            var began = Stopwatch.GetTimestamp();
            var answer = await AnswerAsync(query, stoppingToken);
            _seconds.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
            _asked.Add(1, new("query", query.Query.Name), new("result", answer.Code is null ? "value" : answer.Code["query.".Length..]));
            var before = query.Known.Code;
            query.Take(answer, _clock.GetUtcNow());
            if (answer.Code is { } code && code != before)
            {
                LogNoNumber(query.Query.Name, query.Query.Tenant, query.Query.Fleet, answer.Detail, code);
            }
        }
        finally
        {
            _places.Release();
        }
    }

    private async Task<PrometheusAnswer> AnswerAsync(AskedQuery query, CancellationToken stoppingToken)
    {
        string? version = null;
        if (query.Text.NeedsVersion)
        {
            try
            {
                version = (await _catalog.FindBundleAsync(query.Query.Tenant, query.Query.Target, stoppingToken))?.Version;
            }
            catch (StoreUnavailableException)
            {
                // Told below.
            }

            if (version is null)
            {
                return PrometheusAnswer.None(QueryCodes.Unavailable, "The version of the rollout's bundle cannot be read.");
            }
        }

        var now = _clock.GetUtcNow();
        return await _client.AskAsync(query.Text.Fill(query.Query, version, now), now, stoppingToken);
    }

    [LoggerMessage(1, LogLevel.Warning, "Query {Query} for {Tenant}/{Fleet} has no number: {Detail} [{Code}]")]
    private partial void LogNoNumber(string query, string tenant, string fleet, string? detail, string code);

    [LoggerMessage(2, LogLevel.Error, "Query {Query} could not be asked.")]
    private partial void LogBroken(string query, Exception exception);
}
