namespace OrleansPolicy.Client.Tests.Cli;

public sealed class SigningTests : IDisposable
{
    private const string Bundle = """
        {"metadata":{"bundle_id":"b","version":"1.2.3","issued_at":"2026-01-01T00:00:00Z","issuer":"tests"},
         "policies":[{"id":"r","effect":"allow","match":{"intent_prefix":"read"}}]}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("policyctl-").FullName;

    [Theory]
    [InlineData("ecdsa")]
    [InlineData("rsa")]
    public async Task A_bundle_that_was_signed_with_a_made_key_verifies_offline(string algorithm)
    {
        var made = await CliRun.RunAsync("keygen", "signer", "--out", _folder, "--algorithm", algorithm, "--trust", InFolder("trust.json"), "--json");
        Assert.Equal(0, made.ExitCode);
        Assert.Equal(InFolder("signer.key.pem"), made.Json.GetProperty("private_key_file").GetString());
        await File.WriteAllTextAsync(InFolder("bundle.json"), Bundle);

        var signed = await CliRun.RunAsync(
            "bundle", "sign", InFolder("bundle.json"), "--signing-key", InFolder("signer.key.pem"), "--out", InFolder("signed.json"), "--json");
        Assert.Equal(0, signed.ExitCode);
        Assert.Equal("signer", signed.Json.GetProperty("key_id").GetString());

        var verified = await CliRun.RunAsync("bundle", "verify", InFolder("signed.json"), "--trust", InFolder("trust.json"), "--json");
        Assert.Equal(0, verified.ExitCode);
        Assert.True(verified.Json.GetProperty("valid").GetBoolean());
        Assert.Equal(signed.Json.GetProperty("policy_hash").GetString(), verified.Json.GetProperty("policy_hash").GetString());

        var unsigned = await CliRun.RunAsync("bundle", "verify", InFolder("bundle.json"), "--trust", InFolder("trust.json"), "--json");
        Assert.Equal(1, unsigned.ExitCode);
        Assert.False(unsigned.Json.GetProperty("valid").GetBoolean());

        await File.WriteAllTextAsync(InFolder("changed.json"), (await File.ReadAllTextAsync(InFolder("signed.json"))).Replace("\"read\"", "\"\"", StringComparison.Ordinal));
        var changed = await CliRun.RunAsync("bundle", "verify", InFolder("changed.json"), "--trust", InFolder("trust.json"));
        Assert.Equal(1, changed.ExitCode);
        Assert.Contains("bundle.signature_invalid", changed.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_private_key_is_its_owners_alone_and_is_not_replaced_unasked()
    {
        Assert.Equal(0, (await CliRun.RunAsync("keygen", "signer", "--out", _folder)).ExitCode);
        var file = InFolder("signer.key.pem");
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        var before = await File.ReadAllTextAsync(file);
        Assert.Equal(5, (await CliRun.RunAsync("keygen", "signer", "--out", _folder)).ExitCode);
        Assert.Equal(before, await File.ReadAllTextAsync(file));
        Assert.Equal(0, (await CliRun.RunAsync("keygen", "signer", "--out", _folder, "--force")).ExitCode);
        Assert.NotEqual(before, await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task A_file_that_is_no_key_is_5_and_a_file_that_is_no_bundle_is_1()
    {
        await CliRun.RunAsync("keygen", "signer", "--out", _folder);
        await File.WriteAllTextAsync(InFolder("bundle.json"), """{"metadata":{}}""");
        Assert.Equal(5, (await CliRun.RunAsync("bundle", "sign", InFolder("bundle.json"), "-k", InFolder("signer.pub.pem"), "--key-id", "signer")).ExitCode);
        Assert.Equal(1, (await CliRun.RunAsync("bundle", "sign", InFolder("bundle.json"), "-k", InFolder("signer.key.pem"))).ExitCode);
    }

    [Fact]
    public async Task A_trust_root_is_followed_by_one_that_was_signed_twice()
    {
        await CliRun.RunAsync("keygen", "one", "--out", _folder, "--trust", InFolder("trust.json"));
        var hash = await CliRun.RunAsync("trust", "hash", InFolder("trust.json"));
        Assert.Equal((0, 64), (hash.ExitCode, hash.Out.Trim().Length));
        var signed = await CliRun.RunAsync("trust", "sign", InFolder("trust.json"), "-k", InFolder("one.key.pem"), "--json");
        Assert.Equal("one", signed.Json.GetProperty("signatures")[0].GetProperty("key_id").GetString());
        Assert.Equal(hash.Out, (await CliRun.RunAsync("trust", "hash", InFolder("trust.json"))).Out);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string InFolder(string name) => Path.Combine(_folder, name);
}
