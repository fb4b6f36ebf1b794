using Microsoft.AspNetCore.Http;

namespace OrleansPolicy.Client.Tests.Cli;

public sealed class KeyCommandTests
{
    [Theory]
    [InlineData("POST /v1/default/keys", "create", "alice", "--role", "viewer")]
    [InlineData("POST /v1/keys", "create", "alice", "--role", "admin", "--installation")]
    [InlineData("GET /v1/default/keys", "ls")]
    [InlineData("GET /v1/keys", "ls", "--installation")]
    [InlineData("DELETE /v1/default/keys/key-1", "revoke", "key-1")]
    [InlineData("DELETE /v1/keys/key-1", "revoke", "key-1", "--installation")]
    public async Task A_key_is_the_tenants_or_where_that_is_said_the_installations(string request, params string[] args)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await http.Response.WriteAsync(http.Request.Method == "GET"
                ? """{"keys":[{"id":"key-1","name":"alice","subject":"alice","role":"admin"}]}"""
                : """{"id":"key-1","key":"opk_secret"}""");
            return true;
        };

        var run = await CliRun.RunAsync(["key", .. args, "--server", plane.Address.ToString(), "--key", "k"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("key-1", run.Out, StringComparison.Ordinal);
        Assert.Equal([request], plane.Requests);
    }

    [Fact]
    public async Task Each_command_for_keys_says_how_the_installations_are_meant()
    {
        foreach (var command in (string[])["create", "ls", "revoke"])
        {
            Assert.Contains("--installation", (await CliRun.RunAsync("key", command, "--help")).Out, StringComparison.Ordinal);
        }
    }
}
