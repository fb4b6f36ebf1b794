using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>Control planes behind TLS, one of which shows a certificate that has expired. Whoever made both certificates is trusted.</summary>
public sealed class CertificateTests : IAsyncLifetime
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly SignedBundles _bundles = new();
    private X509Certificate2 _authority = null!;
    private FakeControlPlane _expired = null!;
    private FakeControlPlane _sound = null!;
    private PolicyTransport _transport = null!;

    public async ValueTask InitializeAsync()
    {
        var now = DateTimeOffset.UtcNow;
        var request = new CertificateRequest("CN=authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(now.AddYears(-2), now.AddYears(2));
        _expired = await FakeControlPlane.StartAsync(Certificate(now.AddDays(-30), now.AddHours(-1)));
        _sound = await FakeControlPlane.StartAsync(Certificate(now.AddDays(-30), now.AddDays(30)));
        _transport = new PolicyTransport(configure: handler => handler.SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { _authority },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        });
    }

    public async ValueTask DisposeAsync()
    {
        _transport.Dispose();
        await _expired.DisposeAsync();
        await _sound.DisposeAsync();
        _authority.Dispose();
        _bundles.Dispose();
        _key.Dispose();
    }

    [Fact]
    public async Task An_expired_certificate_is_refused_and_said_so()
    {
        using var client = new PolicyClient(new PolicyClientOptions { Server = _expired.Address, ApiKey = "key", Transport = _transport, MaxAttempts = 1 });

        var refused = await Assert.ThrowsAsync<PolicyUnreachableException>(() => client.GetRolloutAsync("any"));

        Assert.Contains(nameof(X509ChainStatusFlags.NotTimeValid), refused.Message, StringComparison.Ordinal);
        Assert.Empty(_expired.Keys);
    }

    [Fact]
    public async Task A_node_takes_its_key_to_the_silo_whose_certificate_holds()
    {
        var bundle = _sound.Store(_bundles.Make("1.0.0"));
        _sound.Demand(bundle);

        await using var node = await PolicyNode.StartAsync(new PolicyNodeOptions
        {
            Servers = [_expired.Address, _sound.Address],
            ApiKey = "node-key",
            Fleet = FakeControlPlane.Fleet,
            Node = "n-1",
            TrustRoot = _bundles.Root,
            Transport = _transport,
            Backoff = new Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(100)),
        });

        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
        Assert.Empty(_expired.Keys);
    }

    private X509Certificate2 Certificate(DateTimeOffset from, DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_authority, from, until, RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }
}
