using System.Net;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Prometheus;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Configuration;

public sealed class SettingsTests
{
    [Fact]
    public void Without_arguments_it_listens_on_this_machine_alone_and_keeps_its_data_here()
    {
        var settings = Read();

        Assert.Equal("http://127.0.0.1:8080", settings.Urls);
        Assert.Equal(Path.GetFullPath(".data"), settings.DataFolder);
        Assert.Null(settings.ConnectionString);
        Assert.Null(settings.Otlp);
        Assert.Equal(LogLevel.Warning, settings.LogLevel);
        Assert.Equal(3600, settings.HourSeconds);
        Assert.Equal((7, 1024 * 1024 * 1024, 128 * 1024 * 1024), (settings.DecisionLog.Retention.TotalDays, settings.DecisionLog.TenantBytesMax, settings.DecisionLog.NodeBytesMax));
    }

    [Fact]
    public void Arguments_say_otherwise()
    {
        var settings = Read(
            "serve", "--urls", "http://*:1;https://[::1]:2", "--data=/tmp/x", "--connection-string", "Host=db;Password=secret", "--log-level", "debug", "--unsafe-time-scale", "2.5",
            "--otlp", "http://collector:4318");

        Assert.Equal("http://*:1;https://[::1]:2", settings.Urls);
        Assert.Equal("/tmp/x", settings.DataFolder);
        Assert.Equal("Host=db;Password=secret", settings.ConnectionString);
        Assert.Equal(LogLevel.Debug, settings.LogLevel);
        Assert.Equal(2.5, settings.HourSeconds);
        Assert.Equal(new OtlpSettings(new Uri("http://collector:4318")), settings.Otlp);
    }

    [Theory]
    [InlineData("config.unknown_option", "--nonsense")]
    [InlineData("config.unknown_option", "run")]
    [InlineData("config.missing_value", "--urls")]
    [InlineData("config.urls", "--urls", "nonsense")]
    [InlineData("config.urls", "--urls", "ftp://127.0.0.1")]
    [InlineData("config.urls", "--urls", "http://127.0.0.1:8080/path")]
    [InlineData("config.urls", "--urls", "http://127.0.0.1:99999")]
    [InlineData("config.data", "--data", "a\0b")]
    [InlineData("config.connection_string", "--connection-string", "nonsense")]
    [InlineData("config.connection_string", "--connection-string", "Password=secret")]
    [InlineData("config.connection_string", "--connection-string", "Host=x;Port=secret")]
    [InlineData("config.log_level", "--log-level", "loud")]
    [InlineData("config.log_level", "--log-level", "3")]
    [InlineData("config.switch", "--dashboard", "maybe")]
    [InlineData("config.otlp", "--otlp", "nonsense")]
    [InlineData("config.otlp", "--otlp", "127.0.0.1:4318")]
    [InlineData("config.time_scale", "--unsafe-time-scale", "0")]
    [InlineData("config.time_scale", "--unsafe-time-scale", "-1")]
    [InlineData("config.time_scale", "--unsafe-time-scale", "NaN")]
    [InlineData("config.time_scale", "--unsafe-time-scale", "3601")]
    [InlineData("config.cluster", "--cluster", "redis")]
    [InlineData("config.cluster", "--silo-port", "70000")]
    [InlineData("config.cluster", "--gateway-port", "-1")]
    [InlineData("config.cluster", "--advertise", "0.0.0.0")]
    [InlineData("config.cluster", "--advertise", "no-such-host.invalid")]
    public void What_is_wrong_has_a_code_and_repeats_no_secret(string code, params string[] arguments)
    {
        var failure = Assert.Throws<ConfigurationFailureException>(() => Read(arguments));

        Assert.Equal(code, failure.Code);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cluster.engine", "Embedded", "Host=db", null, 1, 2)]
    [InlineData("cluster.no_database", "Orleans", null, null, 1, 2)]
    [InlineData("cluster.bundle", "Orleans", "Host=db", "/policy.json", 1, 2)]
    [InlineData("config.cluster", "Orleans", "Host=db", null, 7, 7)]
    public void What_keeps_a_silo_from_joining_has_a_code(string code, string engine, string? database, string? bundle, int siloPort, int gatewayPort)
    {
        var settings = new ClusterSettings { IsJoined = true, SiloPort = siloPort, GatewayPort = gatewayPort };

        Assert.Equal(code, Assert.Throws<ConfigurationFailureException>(() => ClusterSettingsReader.Check(settings, database, bundle, engine)).Code);
    }

    [Fact]
    public void Any_free_port_may_be_both() =>
        Assert.NotNull(ClusterSettingsReader.Check(new ClusterSettings { IsJoined = true, SiloPort = 0, GatewayPort = 0 }, "Host=db", null, "Orleans"));

    [Fact]
    public void A_silo_of_a_cluster_drains_longer_and_takes_fewer_connections_than_one_alone()
    {
        Assert.Equal((0, 60), (Read().Drain.TotalSeconds, Read().ConnectionsMax));
        if (ClusterSettingsReader.Engine == "Orleans")
        {
            var joined = Read("--cluster", "adonet", "--connection-string", "Host=db", "--advertise", "127.0.0.1", "--silo-port", "5");
            Assert.Equal((3, 30), (joined.Drain.TotalSeconds, joined.ConnectionsMax));
            Assert.Equal((true, 5, 30000, "127.0.0.1"), (joined.Cluster.IsJoined, joined.Cluster.SiloPort, joined.Cluster.GatewayPort, joined.Cluster.AdvertisedAddress!.ToString()));
        }
        else
        {
            Assert.Equal("cluster.engine", Assert.Throws<ConfigurationFailureException>(() => Read("--cluster", "adonet", "--connection-string", "Host=db")).Code);
        }
    }

    [Fact]
    public void Webhooks_go_to_the_world_alone_unless_networks_are_named()
    {
        Assert.Empty(Read().Webhooks.AllowedNetworks);
        Assert.Equal([IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("::1/128")], SettingsReader.ReadNetworks("k", " 10.1.0.0/16,::1/128 ,"));
        Assert.Equal("config.networks", Assert.Throws<ConfigurationFailureException>(() => SettingsReader.ReadNetworks("k", "10.1.0.0/16,example.com")).Code);
    }

    [Fact]
    public void A_prometheus_and_what_it_is_asked_come_from_settings()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["password"], "secret");
        Assert.Null(Read().Prometheus);

        var prometheus = Set(
            ("Url", "https://prometheus:9090/team"), ("Queries:error-rate_5m", "rate(errors{fleet=\"$fleet\",hash=\"$target\"}[$window]) =~ \"$\""), ("Username", "me"),
            ("PasswordFile", folder["password"])).Prometheus!;

        Assert.Equal(("https://prometheus:9090/team", "me", folder["password"], null), (prometheus.Url.ToString(), prometheus.Username, prometheus.PasswordFile, prometheus.BearerTokenFile));
        var query = new MetricQuery("error-rate_5m", "acme", "edge", "abc", DateTimeOffset.UnixEpoch, TimeSpan.FromHours(1));
        Assert.Equal("rate(errors{fleet=\"edge\",hash=\"abc\"}[90s]) =~ \"$\"", prometheus.Queries["error-rate_5m"].Fill(query, null, DateTimeOffset.UnixEpoch.AddSeconds(90)));
        Assert.False(prometheus.Queries["error-rate_5m"].NeedsVersion);
        Assert.Equal(folder["password"], Set(("Url", "http://[::1]:9090"), ("BearerTokenFile", folder["password"])).Prometheus!.BearerTokenFile);
        Assert.Equal("1.2.3 acme", Set(("Url", "http://p"), ("Queries:v", "$version $tenant")).Prometheus!.Queries["v"].Fill(query, "1.2.3", DateTimeOffset.UnixEpoch));
    }

    [Theory]
    [InlineData("Queries:errors", "up")]
    [InlineData("Url", "prometheus:9090")]
    [InlineData("Url", "ftp://prometheus")]
    [InlineData("Url", "http://me:secret@prometheus")]
    [InlineData("Url", "http://prometheus/?a=secret")]
    [InlineData("Url", "http://prometheus/#a")]
    [InlineData("Url", "http://p", "Querys:errors", "up")]
    [InlineData("Url", "http://p", "Queries:Errors", "up")]
    [InlineData("Url", "http://p", "Queries:a:b", "up")]
    [InlineData("Url", "http://p", "Queries:errors", " ")]
    [InlineData("Url", "http://p", "Queries:errors", "up{node=\"$node\"}")]
    [InlineData("Url", "http://p", "BearerTokenFile", "/no/such/file")]
    [InlineData("Url", "http://p", "BearerTokenFile", "a\0b")]
    [InlineData("Url", "http://p", "Username", "me")]
    [InlineData("Url", "http://p", "PasswordFile", "/dev/null")]
    [InlineData("Url", "http://p", "PasswordFile", "/dev/null", "Username", "m:e")]
    [InlineData("Url", "http://p", "PasswordFile", "/dev/null", "Username", "me", "BearerTokenFile", "/dev/null")]
    public void What_is_wrong_about_it_is_told_at_the_start(params string[] settings)
    {
        var failure = Assert.Throws<ConfigurationFailureException>(() => Set([.. settings.Chunk(2).Select(pair => (pair[0], pair[1]))]));

        Assert.Equal("config.prometheus", failure.Code);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void There_are_limits_to_queries()
    {
        Assert.Equal("config.prometheus", Assert.Throws<ConfigurationFailureException>(() => Set(("Url", "http://p"), ("Queries:long", new string('a', QueryText.LengthMax + 1)))).Code);
        Assert.Equal(
            "config.prometheus",
            Assert.Throws<ConfigurationFailureException>(() => Set([("Url", "http://p"), .. Enumerable.Range(0, 101).Select(index => ($"Queries:q{index}", "up"))])).Code);
    }

    [Fact]
    public void Help_and_version_win()
    {
        Assert.True(CommandLine.Read(["--help"]).Help);
        Assert.True(CommandLine.Read(["serve", "--version"]).Version);
    }

    private static SiloSettings Set(params (string Key, string Value)[] prometheus) => SettingsReader.Read(new CommandLine
    {
        Settings = prometheus.ToDictionary(pair => "Policy:Prometheus:" + pair.Key, pair => (string?)pair.Value),
    });

    private static SiloSettings Read(params string[] arguments) => SettingsReader.Read(CommandLine.Read(arguments));
}
