using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>A PostgreSQL that is reached by TLS alone, whose certificate holds or has expired. Who made both is trusted.</summary>
[SupportedOSPlatform("linux")]
public sealed class ServerCertificateTests : IAsyncLifetime
{
    private const string Password = "not-for-anybodys-eyes";

    private readonly TemporaryFolder _folder = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private X509Certificate2 _authority = null!;
    private PrivatePostgres _server = null!;
    private int _port;

    public async ValueTask InitializeAsync()
    {
        var now = DateTimeOffset.UtcNow;
        var request = new CertificateRequest("CN=authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(now.AddYears(-2), now.AddYears(2));
        await File.WriteAllTextAsync(_folder["authority.pem"], _authority.ExportCertificatePem());
        _server = await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _authority.Dispose();
        _key.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_certificate_that_expired_or_is_for_another_host_keeps_a_silo_from_starting_and_is_named()
    {
        await PresentAsync(TimeSpan.FromHours(-1));
        Assert.Contains("expired", await RefusedAsync("127.0.0.1"), StringComparison.Ordinal);

        await PresentAsync(TimeSpan.FromDays(30));
        await RefusedAsync("localhost");
    }

    [Fact]
    public async Task Where_it_expires_under_a_silo_that_serves_nothing_is_granted_until_there_is_a_sound_one()
    {
        await PresentAsync(TimeSpan.FromDays(30));
        await using var host = await PolicyHost.StartAsync(Settings("127.0.0.1"));
        using var anybody = new ApiClient(new Uri(host.Addresses.Single()), key: null);
        Assert.True((await anybody.GetAsync("/readyz")).Expect(200)["ready"].GetBoolean());

        await PresentAsync(TimeSpan.FromHours(-1));
        await Eventually.BecomesAsync(
            async () => (await anybody.GetAsync("/readyz")) is { Status: 503 } readiness ? readiness["code"].GetString() : null,
            "store.unavailable");

        await PresentAsync(TimeSpan.FromDays(30));
        await Eventually.BecomesAsync(async () => (await anybody.GetAsync("/readyz")).Status, 200);
    }

    private async Task<string> RefusedAsync(string host)
    {
        var refused = await Assert.ThrowsAsync<DatabaseException>(() => PolicyHost.StartAsync(Settings(host)));
        Assert.Equal(DatabaseCodes.Certificate, refused.Code);
        Assert.DoesNotContain(Password, refused.Message, StringComparison.Ordinal);
        return refused.Message;
    }

    private SiloSettings Settings(string host) => new()
    {
        Urls = "http://127.0.0.1:0",
        DataFolder = _folder["silo"],
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = host,
            Port = _port,
            Database = "policy",
            Username = "policy",
            Password = Password,
            SslMode = SslMode.VerifyFull,
            RootCertificate = _folder["authority.pem"],
        }.ConnectionString,
    };

    private async Task<PrivatePostgres> StartAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            _port = FreePort();
            try
            {
                return await PrivatePostgres.StartAsync(new PrivatePostgresOptions
                {
                    DataFolder = _folder["server"],
                    Settings = ImmutableSortedDictionary<string, string>.Empty
                        .Add("listen_addresses", "127.0.0.1").Add("port", _port.ToString(CultureInfo.InvariantCulture)).Add("fsync", "off"),
                });
            }
            catch (DatabaseException) when (attempt < 5)
            {
                // Somebody else took the port meanwhile.
            }
        }
    }

    // The server reads it as its own user, from its own folder.
    private async Task PresentAsync(TimeSpan endsIn)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=database", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(_authority, now.AddDays(-30), now + endsIn, RandomNumberGenerator.GetBytes(8));
        foreach (var (name, pem) in new[] { ("server.crt", certificate.ExportCertificatePem()), ("server.key", key.ExportPkcs8PrivateKeyPem()) })
        {
            var file = Path.Combine(_server.Folder, "data", name);
            await File.WriteAllTextAsync(file, pem);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            await ServerAccount.ForThisProcess().GiveAsync(file, CancellationToken.None);
        }

        await using (var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Pooling = false }.ConnectionString))
        {
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand("ALTER SYSTEM SET ssl = on", connection);
            await command.ExecuteNonQueryAsync();
        }

        // Connections that are open would go on as they are.
        await _server.SuspendAsync();
        await _server.ResumeAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
