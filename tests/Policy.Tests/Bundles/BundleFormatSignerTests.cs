using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

/// <summary>Runs the signers that docs/BUNDLE_FORMAT.md prints, none of which is ours, and verifies what they sign.</summary>
public sealed class BundleFormatSignerTests : IDisposable
{
    private static readonly TimeSpan ProgramTime = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("bundle-format").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_printed_openssl_commands_sign_a_bundle_that_verifies()
    {
        await DemandAsync("bash", "--version");
        await DemandAsync("openssl", "version");
        Write("key.pem", BundleFormatPage.PrivatePem);
        Write("canonical.json", BundleFormatPage.Canonical);

        var printed = await RunAsync("bash", "-euo", "pipefail", "-c", BundleFormatPage.OpensslScript);

        Assert.Equal(BundleFormatPage.PolicyHash, printed.Trim());
        Assert.Equal(BundleFormatPage.Encoded, await File.ReadAllBytesAsync(In("encoding.bin")));
        Verify("ES256", SignatureAlgorithm.EcdsaKey, BundleFormatPage.PublicPem);

        using var rsa = RSA.Create(3072);
        Write("rsa.pem", rsa.ExportPkcs8PrivateKeyPem());
        await RunAsync("bash", "-euo", "pipefail", "-c", BundleFormatPage.OpensslRsaScript);
        Verify("PS256", SignatureAlgorithm.RsaKey, rsa.ExportSubjectPublicKeyInfoPem());
    }

    [Fact]
    public async Task The_printed_python_signs_a_bundle_that_verifies()
    {
        await DemandAsync("python3", "--version");
        await DemandAsync("openssl", "version");
        Write("key.pem", BundleFormatPage.PrivatePem);
        Write("sign.py", BundleFormatPage.PythonSigner);
        Write("bundle.json", BundleFormatPage.Canonical);

        var printed = await RunAsync("python3", "sign.py", "key.pem", "docs", "bundle.json");

        Assert.Equal(BundleFormatPage.PolicyHash, printed.Trim());
        Assert.Equal(BundleFormatPage.PolicyHash, Verified(await File.ReadAllBytesAsync(In("bundle.json")), SignatureAlgorithm.EcdsaKey, BundleFormatPage.PublicPem).PolicyHash);
    }

    private void Verify(string algorithm, string keyAlgorithm, string pem)
    {
        var bundle = JsonNode.Parse(BundleFormatPage.Bundle)!;
        bundle["signatures"] = new JsonArray(new JsonObject { ["key_id"] = "docs", ["algorithm"] = algorithm, ["sig"] = File.ReadAllText(In("sig.txt")) });

        Assert.Equal(BundleFormatPage.PolicyHash, Verified(Encoding.UTF8.GetBytes(bundle.ToJsonString()), keyAlgorithm, pem).PolicyHash);
    }

    private static Bundle Verified(byte[] json, string keyAlgorithm, string pem)
    {
        var outcome = BundleVerifier.Verify(json, new TrustRoot { Keys = [new TrustKey("docs", keyAlgorithm, pem)] }, new BundleReadOptions { Strict = true });
        Assert.True(outcome.Succeeded, string.Join('\n', outcome.Problems));
        return outcome.Value;
    }

    private string In(string name) => Path.Combine(_folder, name);

    private void Write(string name, string text) => File.WriteAllText(In(name), text);

    private async Task DemandAsync(string program, string argument)
    {
        try
        {
            await RunAsync(program, argument);
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{program} is not installed.");
        }
    }

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var late = new CancellationTokenSource(ProgramTime);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(late.Token), process.StandardError.ReadToEndAsync(late.Token));
        await process.WaitForExitAsync(late.Token);
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {await error}");
        return await output;
    }
}
