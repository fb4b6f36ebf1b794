using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace OrleansPolicy.Benchmarks;

/// <summary>The least that ASP.NET Core can do: an endpoint that answers 200 with nothing, logs off, in a process of its own.</summary>
internal static class EmptyEndpoint
{
    /// <summary>Serves, tells its address in one line, and ends with its input.</summary>
    public static async Task RunAsync(Report report)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.MapPost("/decide", (HttpContext _) => Task.CompletedTask);
        await app.StartAsync();
        Console.WriteLine(app.Urls.First());
        await Console.In.ReadToEndAsync();
    }
}
