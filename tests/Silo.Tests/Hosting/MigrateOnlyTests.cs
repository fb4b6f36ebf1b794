using Npgsql;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Hosting;

/// <summary>The schema by itself, as a job before the silos brings it up to date.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MigrateOnlyTests(PostgresServer server)
{
    [Fact]
    public async Task An_empty_database_has_the_schema_afterwards_and_nobody_serves()
    {
        var database = await server.CreateDatabaseAsync(empty: true);
        for (var time = 1; time <= 2; time++)
        {
            var (code, output, errors) = await RunAsync("--migrate-only", "--connection-string", database);

            Assert.Equal((0, "The schema is up to date.\n", ""), (code, output, errors));
        }

        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("SELECT count(*) FROM api_key", connection);
        Assert.Equal(0L, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Without_a_database_it_says_so()
    {
        var (code, output, errors) = await RunAsync("--migrate-only");

        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("orleans-policy: config.migrate: ", errors, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var process = SiloProcess.Start(arguments);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(90));
        return (process.ExitCode, await output, await errors);
    }
}
