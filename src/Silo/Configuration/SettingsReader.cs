using System.Collections.Immutable;
using System.Data.Common;
using System.Globalization;
using System.Net;
using Npgsql;
using OrleansPolicy.Silo.DecisionLogs;
using OrleansPolicy.Silo.Webhooks;

namespace OrleansPolicy.Silo.Configuration;

/// <summary>
/// Puts the settings together: command line over environment over <c>appsettings.json</c> over defaults. Each of them is checked
/// before anything starts, so that a slip is one line and not a stack trace half a minute later.
/// </summary>
public static class SettingsReader
{
    private const double HourSecondsMin = 0.001;

    /// <summary>The settings of this process. Throws <see cref="ConfigurationFailureException"/>.</summary>
    public static SiloSettings Read(CommandLine commandLine)
    {
        ArgumentNullException.ThrowIfNull(commandLine);
        var configuration = Load(commandLine);
        var connectionString = ReadConnectionString(configuration[SettingKeys.ConnectionString]);
        var bundleFile = ReadFile(configuration[SettingKeys.BundleFile], mustExist: false);
        var cluster = ClusterSettingsReader.Read(configuration, connectionString, bundleFile);
        return new SiloSettings
        {
            Urls = ReadUrls(configuration[SettingKeys.Urls]),
            DataFolder = ReadFolder(configuration[SettingKeys.Data]),
            ConnectionString = connectionString,
            Cluster = cluster,
            Drain = TimeSpan.FromSeconds(ReadNumber(SettingKeys.DrainSeconds, cluster.IsJoined ? 3 : 0, 0, 60)),
            ConnectionsMax = (int)ReadNumber(SettingKeys.ConnectionsMax, cluster.IsJoined ? 30 : 60, 6, 1_000),
            BundleFile = bundleFile,
            TrustRootFile = ReadFile(configuration[SettingKeys.TrustRootFile], mustExist: true),
            SingleNodeOpen = ReadSwitch(SettingKeys.SingleNodeOpen, configuration[SettingKeys.SingleNodeOpen]),
            LogLevel = ReadLogLevel(configuration[SettingKeys.LogLevel]),
            Dashboard = CheckDashboard(ReadSwitch(SettingKeys.Dashboard, configuration[SettingKeys.Dashboard]) == true, ClusterSettingsReader.Engine),
            Otlp = ReadOtlp(configuration[SettingKeys.OtlpEndpoint], configuration[SettingKeys.OtlpProtocol]),
            PolicyUpdatesFile = ReadPolicyUpdates(configuration[SettingKeys.PolicyUpdates]),
            HourSeconds = ReadHour(configuration[SettingKeys.UnsafeTimeScale]),
            DecisionLog = ReadDecisionLog(configuration),
            Prometheus = PrometheusSettingsReader.Read(configuration),
            Webhooks = new WebhookSettings { AllowedNetworks = ReadNetworks(SettingKeys.WebhookNetworks, configuration[SettingKeys.WebhookNetworks]) },
        };

        double ReadNumber(string key, double otherwise, double min, double max) => configuration[key] is not { Length: > 0 } text ? otherwise
            : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number
            : throw new ConfigurationFailureException("config.number", $"{key} is {min} to {max}, not '{text}'.");
    }

    private static IConfigurationRoot Load(CommandLine commandLine)
    {
        try
        {
            var data = Environment.GetEnvironmentVariable(SettingKeys.DataVariable);
            return new ConfigurationBuilder()
                .AddJsonFile(Path.Combine(Environment.CurrentDirectory, "appsettings.json"), optional: true)
                .AddEnvironmentVariables("ASPNETCORE_")
                .AddEnvironmentVariables()
                .AddInMemoryCollection(data is { Length: > 0 } ? [new(SettingKeys.Data, data)] : [])
                .AddInMemoryCollection(commandLine.Settings)
                .Build();
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException)
        {
            throw new ConfigurationFailureException("config.file", $"appsettings.json cannot be read: {(exception.InnerException ?? exception).Message}", exception);
        }
    }

    private static string ReadUrls(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return SiloSettings.DefaultUrls;
        }

        foreach (var url in text.Split(';', StringSplitOptions.TrimEntries))
        {
            // "+" and "*" are Kestrel's words for every address; a URI cannot hold them.
            var plain = url.Replace("://+", "://0.0.0.0", StringComparison.Ordinal).Replace("://*", "://0.0.0.0", StringComparison.Ordinal);
            if (!Uri.TryCreate(plain, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.PathAndQuery != "/")
            {
                throw new ConfigurationFailureException("config.urls", $"'{url}' is no address such as {SiloSettings.DefaultUrls}.");
            }
        }

        return text;
    }

    private static string ReadFolder(string? text)
    {
        var folder = string.IsNullOrWhiteSpace(text) ? SiloSettings.DefaultData : text;
        try
        {
            return Path.GetFullPath(folder);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException or PathTooLongException)
        {
            throw new ConfigurationFailureException("config.data", $"'{folder}' is no folder: {exception.Message}", exception);
        }
    }

    // A bundle may come later, into a folder that is mounted later; a trust root is there or was mistyped.
    private static string? ReadFile(string? text, bool mustExist)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        var path = ReadFolder(text);
        return !mustExist || File.Exists(path) ? path : throw new ConfigurationFailureException("config.file_missing", $"There is no file {path}.");
    }

    /// <summary>Whether a program that was built with an engine has a dashboard to show.</summary>
    internal static bool CheckDashboard(bool wanted, string engine) => !wanted || engine == "Orleans"
        ? wanted
        : throw new ConfigurationFailureException(
            "dashboard.engine", $"This program was built with the engine {engine}, which has no dashboard: build it with -p:Engine=Orleans, or leave {SettingKeys.Dashboard} out.");

    private static bool? ReadSwitch(string key, string? text) => text switch
    {
        null or "" => null,
        _ when bool.TryParse(text, out var value) => value,
        _ => throw new ConfigurationFailureException("config.switch", $"{key} is true or false, not '{text}'."),
    };

    private static string? ReadConnectionString(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            // The string may hold a password, so no message repeats it.
            return new NpgsqlConnectionStringBuilder(text) is { Host.Length: > 0 }
                ? text
                : throw new ConfigurationFailureException("config.connection_string", "The connection string names no Host.");
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or DbException or KeyNotFoundException)
        {
            throw new ConfigurationFailureException(
                "config.connection_string", "The connection string is not understood; write it like 'Host=db;Database=policy;Username=policy;Password=...'.", exception);
        }
    }

    private static string? ReadPolicyUpdates(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            var path = Path.GetFullPath(text);
            var read = PolicyUpdates.Read(File.ReadAllBytes(path));
            return read.Succeeded
                ? path
                : throw new ConfigurationFailureException("config.policy_updates", $"{text} is refused: {string.Join(" ", read.Problems.Select(problem => problem.Message))}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ConfigurationFailureException("config.policy_updates", $"{text} cannot be read: {exception.Message}", exception);
        }
    }

    private static OtlpSettings? ReadOtlp(string? endpoint, string? protocol)
    {
        if (string.IsNullOrWhiteSpace(endpoint))
        {
            return null;
        }

        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new ConfigurationFailureException("config.otlp", $"{SettingKeys.OtlpEndpoint} is an address such as http://127.0.0.1:4318, not '{endpoint}'.");
        }

        return protocol switch
        {
            null or "" or "http/protobuf" => new OtlpSettings(uri),
            "grpc" => new OtlpSettings(uri, IsGrpc: true),
            _ => throw new ConfigurationFailureException("config.otlp", $"{SettingKeys.OtlpProtocol} is http/protobuf or grpc, not '{protocol}'."),
        };
    }

    private static LogLevel ReadLogLevel(string? text) => text switch
    {
        null or "" => LogLevel.Warning,
        _ when !char.IsAsciiDigit(text[0]) && Enum.TryParse<LogLevel>(text, ignoreCase: true, out var level) => level,
        _ => throw new ConfigurationFailureException(
            "config.log_level", $"'{text}' is no log level; they are {string.Join(", ", Enum.GetNames<LogLevel>()).ToLowerInvariant()}."),
    };

    private static DecisionLogLimits ReadDecisionLog(IConfigurationRoot configuration)
    {
        const long Mebibyte = 1024 * 1024;
        var defaults = new DecisionLogLimits();
        return new DecisionLogLimits
        {
            Retention = TimeSpan.FromHours(Number(SettingKeys.DecisionLogRetention, defaults.Retention.TotalHours, 24 * 365)),
            TenantBytesMax = (long)(Number(SettingKeys.DecisionLogTenant, defaults.TenantBytesMax / Mebibyte, 1024 * 1024) * Mebibyte),
            NodeBytesMax = (long)(Number(SettingKeys.DecisionLogNode, defaults.NodeBytesMax / Mebibyte, 1024 * 1024) * Mebibyte),
        };

        double Number(string key, double otherwise, double max) => configuration[key] is not { Length: > 0 } text ? otherwise
            : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= max ? number
            : throw new ConfigurationFailureException("config.decision_log", $"{key} is above 0 and at most {max}, not '{text}'.");
    }

    /// <summary>Networks in CIDR notation, separated by commas.</summary>
    internal static ImmutableArray<IPNetwork> ReadNetworks(string key, string? text) =>
    [
        .. (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(network => IPNetwork.TryParse(network, out var parsed)
            ? parsed
            : throw new ConfigurationFailureException("config.networks", $"{key} has networks such as 10.1.0.0/16, separated by commas, not '{network}'.")),
    ];

    private static double ReadHour(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return SiloSettings.RealHourSeconds;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            && seconds is >= HourSecondsMin and <= SiloSettings.RealHourSeconds
                ? seconds
                : throw new ConfigurationFailureException(
                    "config.time_scale", $"'{text}' is no number of seconds for a contract hour, {HourSecondsMin} to {SiloSettings.RealHourSeconds}.");
    }
}
