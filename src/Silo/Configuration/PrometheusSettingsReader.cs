using System.Collections.Immutable;
using OrleansPolicy.Silo.Prometheus;

namespace OrleansPolicy.Silo.Configuration;

/// <summary>Reads <c>Policy:Prometheus</c>.</summary>
internal static class PrometheusSettingsReader
{
    private const string Section = "Policy:Prometheus";
    private const string QueriesSection = Section + ":Queries";
    private const int QueriesMax = 100;

    private static readonly string[] Known =
        [SettingKeys.PrometheusUrl, SettingKeys.PrometheusTokenFile, SettingKeys.PrometheusUsername, SettingKeys.PrometheusPasswordFile, QueriesSection];

    /// <summary>Null where nothing is said. Throws <see cref="ConfigurationFailureException"/> with <c>config.prometheus</c>; no message repeats a secret.</summary>
    public static PrometheusSettings? Read(IConfiguration configuration)
    {
        var said = configuration.GetSection(Section).GetChildren().Where(child => child.Value is { Length: > 0 } || child.GetChildren().Any()).ToList();
        if (said.Count == 0)
        {
            return null;
        }

        if (said.Find(child => !Known.Contains(child.Path, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            throw Failure($"There is no setting {unknown.Path}.");
        }

        var (token, user, password) = (Secret(SettingKeys.PrometheusTokenFile), Text(SettingKeys.PrometheusUsername), Secret(SettingKeys.PrometheusPasswordFile));
        if (user is null != password is null || (token is not null && user is not null) || user?.Contains(':', StringComparison.Ordinal) == true)
        {
            throw Failure(
                $"Who is asked is shown nothing, a token ({SettingKeys.PrometheusTokenFile}), or a user with a password ({SettingKeys.PrometheusUsername} without ':', {SettingKeys.PrometheusPasswordFile}).");
        }

        return new PrometheusSettings
        {
            Url = ReadUrl(Text(SettingKeys.PrometheusUrl)),
            Queries = ReadQueries(configuration.GetSection(QueriesSection)),
            BearerTokenFile = token,
            Username = user,
            PasswordFile = password,
        };

        string? Text(string key) => configuration[key] is { Length: > 0 } text ? text : null;

        string? Secret(string key)
        {
            try
            {
                using var file = Text(key) is { } path ? File.OpenRead(path) : null;
                return file?.Name;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                throw Failure($"{key} cannot be read: {exception.Message}", exception);
            }
        }
    }

    private static Uri ReadUrl(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url is { Host.Length: > 0, UserInfo: "", Query: "", Fragment: "" }
            ? url
            : throw Failure($"{SettingKeys.PrometheusUrl} is the server's address, such as http://127.0.0.1:9090, without a user, a question mark or a #.");

    private static ImmutableSortedDictionary<string, QueryText> ReadQueries(IConfigurationSection section)
    {
        var queries = ImmutableSortedDictionary.CreateBuilder<string, QueryText>(StringComparer.Ordinal);
        foreach (var child in section.GetChildren())
        {
            if (!Names.IsValid(child.Key))
            {
                throw Failure($"'{child.Key}' is no name of a query: it must match [a-z0-9][a-z0-9._-]{{0,62}}.");
            }

            var (text, error) = QueryText.Read(child.Value);
            queries[child.Key] = text ?? throw Failure($"{child.Path}: {error}.");
        }

        return queries.Count <= QueriesMax ? queries.ToImmutable() : throw Failure($"{queries.Count} queries are configured; {QueriesMax} are allowed.");
    }

    private static ConfigurationFailureException Failure(string message, Exception? inner = null) => new("config.prometheus", message, inner);
}
