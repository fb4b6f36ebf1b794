using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Prometheus;
using OrleansPolicy.Silo.Telemetry;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Prometheus;

/// <summary>What is kept of answers, and for how long it is asked.</summary>
public sealed class PrometheusQueriesTests : IAsyncLifetime
{
    private static readonly MetricQuery Errors = new("errors", "acme", "edge", new string('a', 64), DateTimeOffset.UtcNow.AddMinutes(-10), TimeSpan.FromSeconds(4));

    private readonly PolicyMeter _meter = new();
    private FakePrometheus _server = null!;

    public async ValueTask InitializeAsync() => _server = await FakePrometheus.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _meter.Dispose();
    }

    [Fact]
    public async Task A_query_is_asked_while_somebody_reads_it_and_no_longer()
    {
        using var queries = Make(TimeSpan.FromSeconds(3));
        _server.Says("0.5");

        Assert.Equal(QueriedMetric.Without(QueryCodes.Pending), Read(queries, Errors));
        await queries.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.BecomesAsync(
            () => Task.FromResult(Read(queries, Errors) is { Value: 0.5, Code: null, At: { } at, HeardAt: { } heardAt } && at <= heardAt && _server.Asked.Count > 2), true);
        Assert.Equal($"errors{{t=\"acme\",f=\"edge\",p=\"{Errors.Target}\"}}[4s] and x=~\"a$\"", _server.Asked[0].Query);

        await Eventually.BecomesAsync(() => Task.FromResult(queries.Kept), 0);
        await queries.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_last_number_stands_while_there_is_no_answer_and_goes_with_the_next_that_has_none()
    {
        using var queries = Make(TimeSpan.FromMinutes(10));
        await queries.StartAsync(TestContext.Current.CancellationToken);
        _server.Says("0.5");
        await BecomesAsync(0.5, null);

        _server.SaysBody("", 503);
        await BecomesAsync(0.5, QueryCodes.Unavailable);
        _server.SaysBody("<html>");
        await BecomesAsync(0.5, QueryCodes.Failed);
        _server.Says("NaN");
        await BecomesAsync(null, QueryCodes.NotANumber);
        _server.SaysBody("", 500);
        await BecomesAsync(null, QueryCodes.Unavailable);
        _server.Says("0.25");
        await BecomesAsync(0.25, null);
        await queries.StopAsync(TestContext.Current.CancellationToken);

        Task BecomesAsync(double? value, string? code) => Eventually.BecomesAsync(
            () => Task.FromResult(Read(queries, Errors) is var known ? (known.Value, known.Code) : default), (value, code));
    }

    [Fact]
    public void An_answer_is_of_the_time_that_the_server_says_and_never_of_one_to_come()
    {
        var now = DateTimeOffset.UtcNow;
        var asked = new AskedQuery(Errors, QueryText.Read("up").Text!, 0);

        asked.Take(new PrometheusAnswer(1, now.AddMinutes(-5), null, null), now);
        Assert.Equal(new QueriedMetric(1, now.AddMinutes(-5), now, null), asked.Known);
        asked.Take(new PrometheusAnswer(2, now.AddMinutes(5), null, null), now);
        Assert.Equal(new QueriedMetric(2, now, now, null), asked.Known);
    }

    [Theory]
    [InlineData(1, 200)]
    [InlineData(60, 3_000)]
    [InlineData(3_600, 5_000)]
    public void A_short_window_is_asked_about_more_often(double seconds, double milliseconds) => Assert.Equal(
        milliseconds, new AskedQuery(Errors with { Window = TimeSpan.FromSeconds(seconds) }, QueryText.Read("up").Text!, 0).Every.TotalMilliseconds);

    [Fact]
    public void There_is_a_limit_to_what_is_kept_and_what_is_not_configured_is_unknown()
    {
        using var queries = Make(TimeSpan.FromMinutes(10));
        Assert.Equal(["errors"], queries.Names);
        Assert.Equal(QueryCodes.Unknown, Read(queries, Errors with { Name = "faults" }).Code);
        Assert.Empty(queries.Read([]));
        for (var index = 0; index < PrometheusQueries.KeptMax; index++)
        {
            Assert.Equal(QueryCodes.Pending, Read(queries, Errors with { Fleet = $"f{index}" }).Code);
        }

        Assert.Equal(QueryCodes.Unavailable, Read(queries, Errors).Code);
        Assert.Equal(QueryCodes.Pending, Read(queries, Errors with { Fleet = "f0" }).Code);
        Assert.Empty(_server.Asked);
    }

    private PrometheusQueries Make(TimeSpan keptFor) => new(
        new PrometheusSettings
        {
            Url = _server.Address,
            AnswerWithin = TimeSpan.FromSeconds(60),
            KeptFor = keptFor,
            Queries = ImmutableSortedDictionary<string, QueryText>.Empty.Add("errors", QueryText.Read("errors{t=\"$tenant\",f=\"$fleet\",p=\"$target\"}[$window] and x=~\"a$\"").Text!),
        },
        _meter, catalog: null!, TimeProvider.System, NullLogger<PrometheusQueries>.Instance);

    private static QueriedMetric Read(PrometheusQueries queries, MetricQuery query) => queries.Read([query])["prom:" + query.Name];
}
