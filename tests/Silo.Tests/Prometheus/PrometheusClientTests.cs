using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Prometheus;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Prometheus;

/// <summary>What becomes of a question, over real connections: whatever the server does.</summary>
public sealed class PrometheusClientTests : IAsyncLifetime
{
    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_250);

    private FakePrometheus _server = null!;

    public async ValueTask InitializeAsync() => _server = await FakePrometheus.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task One_number_is_the_answer_of_the_moment_that_was_asked_about()
    {
        _server.Says("0.25");

        var answer = await AskAsync(Settings with { Url = new Uri(_server.Address, "/prefix/") });

        Assert.Equal(new PrometheusAnswer(0.25, At, null, null), answer);
        Assert.Equal(new Question("/prefix/api/v1/query", "up{a=\"b\"} + 1", "1800000000.250", "60000ms", ""), Assert.Single(_server.Asked));
    }

    [Theory]
    [InlineData("""{"status":"success","data":{"resultType":"scalar","result":[1800000000.25,"1e3"]}}""", 1_000)]
    [InlineData("""{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1800000000.25,"-0.5"]}]},"infos":["a name"],"warnings":[]}""", -0.5)]
    public async Task A_scalar_is_a_number_too_and_what_is_told_beside_it_is_none(string body, double value)
    {
        _server.SaysBody(body);

        Assert.Equal(new PrometheusAnswer(value, At, null, null), await AskAsync());
    }

    [Theory]
    [InlineData(QueryCodes.Empty, """{"status":"success","data":{"resultType":"vector","result":[]}}""")]
    [InlineData(QueryCodes.Several, """{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"1"},"value":[1,"1"]},{"metric":{"a":"2"},"value":[1,"1"]}]}}""")]
    [InlineData(QueryCodes.NotANumber, """{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"NaN"]}]}}""")]
    [InlineData(QueryCodes.NotANumber, """{"status":"success","data":{"resultType":"scalar","result":[1,"+Inf"]}}""")]
    [InlineData(QueryCodes.NotANumber, """{"status":"success","data":{"resultType":"scalar","result":[1,"-Inf"]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"scalar","result":[1,"1e999"]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"matrix","result":[]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"string","result":[1,"1"]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]},"warnings":["a store is away"]}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"vector","result":{}}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"vector","result":[7]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"scalar","result":[1,5]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"scalar","result":["1","5"]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"scalar","result":[1,"five"]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"scalar","result":[1,null]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"scalar","result":[1e30,"1"]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"scalar","result":[-1,"1"]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"scalar","result":[]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":null,"result":[]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success","data":{"resultType":"\ud800","result":[]}}""")]
    [InlineData(QueryCodes.Failed, """{"status":"success"}""")]
    [InlineData(QueryCodes.Failed, """{"status":"error","errorType":"bad_data","error":"parse error"}""")]
    [InlineData(QueryCodes.Failed, """{"status":"error"}""")]
    [InlineData(QueryCodes.Failed, """["success"]""")]
    [InlineData(QueryCodes.Failed, "[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]")]
    [InlineData(QueryCodes.Failed, "{\"status\":\"succ")]
    [InlineData(QueryCodes.Failed, "<html>Sign in</html>")]
    [InlineData(QueryCodes.Failed, "")]
    public async Task Whatever_else_it_answers_is_no_number_and_has_its_code(string code, string body)
    {
        _server.SaysBody(body);

        var answer = await AskAsync();

        Assert.Equal((code, null), (answer.Code, answer.Value));
        Assert.NotEmpty(answer.Detail!);
    }

    [Theory]
    [InlineData(400, QueryCodes.Failed)]
    [InlineData(401, QueryCodes.Failed)]
    [InlineData(404, QueryCodes.Failed)]
    [InlineData(422, QueryCodes.Failed)]
    [InlineData(408, QueryCodes.Unavailable)]
    [InlineData(429, QueryCodes.Unavailable)]
    [InlineData(500, QueryCodes.Unavailable)]
    [InlineData(503, QueryCodes.Unavailable)]
    public async Task A_refusal_is_told_from_an_outage(int status, string code)
    {
        _server.SaysBody("""{"status":"error","error":"line 1:\n  many words"}""", status);

        var answer = await AskAsync();

        Assert.Equal(code, answer.Code);
        Assert.Equal(code == QueryCodes.Failed ? $"It answers {status}. line 1:   many words" : $"It answers {status}.", answer.Detail);
    }

    [Fact]
    public async Task No_redirect_is_followed()
    {
        _server.Answer = (http, question) =>
        {
            http.Response.Redirect("/elsewhere");
            return question.Path == "/elsewhere" ? http.Response.WriteAsync(FakePrometheus.Vector(question, "1")) : Task.CompletedTask;
        };

        Assert.Equal(QueryCodes.Failed, (await AskAsync()).Code);
        Assert.Single(_server.Asked);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_an_answer_no_more_is_read_than_a_number_can_take(bool isAnnounced)
    {
        _server.Answer = async (http, _) =>
        {
            http.Response.ContentLength = isAnnounced ? 1024 * 1024 * 1024 : null;
            try
            {
                var spaces = new byte[2 * PrometheusClient.AnswerBytesMax];
                Array.Fill(spaces, (byte)' ');
                await http.Response.Body.WriteAsync(spaces, http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);

                // There is no end: who reads on waits for as long as it is told, and then says that nobody answered.
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException)
            {
                // It hung up.
            }
        };

        Assert.Equal(QueryCodes.Failed, (await AskAsync()).Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nobody_is_waited_for_longer_than_told(bool drips)
    {
        _server.Answer = async (http, _) =>
        {
            while (drips && !http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.WriteAsync(" ", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                await Task.Delay(50, http.RequestAborted);
            }

            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };

        Assert.Equal(QueryCodes.Unavailable, (await AskAsync(Settings with { AnswerWithin = TimeSpan.FromSeconds(1) })).Code);
    }

    [Fact]
    public async Task Where_nobody_is_or_the_connection_breaks_it_is_unavailable()
    {
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Equal(QueryCodes.Unavailable, (await AskAsync(Settings with { Url = new Uri($"http://{nobody.LocalEndPoint}") })).Code);
        Assert.Equal(QueryCodes.Unavailable, (await AskAsync(Settings with { Url = new Uri("http://no-such-host.invalid"), AnswerWithin = TimeSpan.FromSeconds(2) })).Code);

        _server.Answer = async (http, _) =>
        {
            http.Response.ContentLength = 100;
            await http.Response.WriteAsync("{");
            await http.Response.Body.FlushAsync();
            http.Abort();
        };
        Assert.Equal(QueryCodes.Unavailable, (await AskAsync()).Code);
    }

    [Fact]
    public async Task Whoever_only_looks_like_a_web_server_fails()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var speaking = SpeakAsync(listener);

        Assert.Equal(QueryCodes.Failed, (await AskAsync(Settings with { Url = new Uri($"http://{listener.LocalEndpoint}") })).Code);
        await speaking;

        static async Task SpeakAsync(TcpListener listener)
        {
            using var socket = await listener.AcceptSocketAsync();
            await socket.ReceiveAsync(new byte[64 * 1024]);
            await socket.SendAsync("SSH-2.0-OpenSSH_9.2\r\n\r\n"u8.ToArray());
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(new byte[1024]) > 0)
            {
                // Until it hangs up.
            }
        }
    }

    [Fact]
    public async Task The_token_is_read_anew_each_time_and_a_password_is_shown_likewise()
    {
        using var folder = new TemporaryFolder();
        var file = folder["secret"];
        using var client = new PrometheusClient(Settings with { BearerTokenFile = file });
        await File.WriteAllTextAsync(file, "one\n", TestContext.Current.CancellationToken);
        await client.AskAsync("up", At, default);
        await File.WriteAllTextAsync(file, "two\n", TestContext.Current.CancellationToken);
        await client.AskAsync("up", At, default);
        await AskAsync(Settings with { Username = "me", PasswordFile = file });

        Assert.Equal(["Bearer one", "Bearer two", "Basic bWU6dHdv"], _server.Asked.Select(asked => asked.Authorization));
        await File.WriteAllTextAsync(file, "a\nb", TestContext.Current.CancellationToken);
        Assert.Equal(QueryCodes.Failed, (await client.AskAsync("up", At, default)).Code);
        File.Delete(file);
        var answer = await client.AskAsync("up", At, default);
        Assert.Equal((QueryCodes.Failed, "The secret to show cannot be read: FileNotFoundException."), (answer.Code, answer.Detail));
        Assert.Equal(3, _server.Asked.Count);
    }

    private PrometheusSettings Settings => new() { Url = _server.Address, AnswerWithin = TimeSpan.FromSeconds(60) };

    private async Task<PrometheusAnswer> AskAsync(PrometheusSettings? settings = null)
    {
        using var client = new PrometheusClient(settings ?? Settings);
        return await client.AskAsync("up{a=\"b\"} + 1", At, TestContext.Current.CancellationToken);
    }
}
