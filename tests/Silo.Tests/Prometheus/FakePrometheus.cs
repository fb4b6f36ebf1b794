using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace OrleansPolicy.Silo.Tests.Prometheus;

/// <summary>Something on loopback that is asked as a Prometheus is, and answers as it is told to.</summary>
internal sealed class FakePrometheus : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Question> _asked = new();

    private FakePrometheus()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(async http =>
        {
            var form = await http.Request.ReadFormAsync();
            var question = new Question(http.Request.Path, form["query"].ToString(), form["time"].ToString(), form["timeout"].ToString(), http.Request.Headers.Authorization.ToString());
            _asked.Enqueue(question);
            await Answer(http, question);
        });
    }

    /// <summary>What it does with a question; at first the answer is 0.</summary>
    public Func<HttpContext, Question, Task> Answer { get; set; } = (http, question) => http.Response.WriteAsync(Vector(question, "0"));

    public Uri Address => new(_app.Urls.Single());

    public IReadOnlyList<Question> Asked => [.. _asked];

    /// <summary>Starts one on a free port.</summary>
    public static async Task<FakePrometheus> StartAsync()
    {
        var fake = new FakePrometheus();
        await fake._app.StartAsync();
        return fake;
    }

    /// <summary>From now on it answers this number, or what the text says.</summary>
    public void Says(string value) => Answer = (http, question) => http.Response.WriteAsync(Vector(question, value));

    /// <summary>From now on it answers this body.</summary>
    public void SaysBody(string body, int status = 200) => Answer = (http, _) =>
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsync(body);
    };

    /// <summary>An answer of one series, at the time that was asked for.</summary>
    public static string Vector(Question question, string value) =>
        $$$"""{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"x"},"value":[{{{question.Time}}},"{{{value}}}"]}]}}""";

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

/// <summary>What was asked.</summary>
internal sealed record Question(string Path, string Query, string Time, string Timeout, string Authorization);
