using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Hosting;

/// <summary>A process that ends without being asked to must not look like one that was.</summary>
public sealed class FailedPartTests(PostgresServer server)
{
    [Fact]
    public async Task A_host_that_stops_because_a_part_of_it_failed_says_which_failure_it_was()
    {
        using var folder = new TemporaryFolder();
        using var failing = new FailingPart();
        await using var host = await PolicyHost.StartAsync(
            new SiloSettings { Urls = "http://127.0.0.1:0", DataFolder = folder.Path, ConnectionString = await server.CreateDatabaseAsync() },
            builder => builder.Services.AddHostedService(_ => failing));
        var stopped = host.WaitForStopAsync();
        Assert.False(stopped.IsCompleted);

        failing.Fail();

        Assert.Equal("It cannot go on.", (await stopped.WaitAsync(TimeSpan.FromSeconds(60)))?.Message);
    }

    private sealed class FailingPart : BackgroundService
    {
        private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Fail() => _failed.SetException(new InvalidDataException("It cannot go on."));

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => _failed.Task;
    }
}
