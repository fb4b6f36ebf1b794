namespace OrleansPolicy.Silo.Configuration;

/// <summary>What was asked for on the command line.</summary>
public sealed record CommandLine
{
    /// <summary>Print how to call the program.</summary>
    public bool Help { get; init; }

    /// <summary>Print the version.</summary>
    public bool Version { get; init; }

    /// <summary>Bring the database's schema up to date and end.</summary>
    public bool MigrateOnly { get; init; }

    /// <summary>Settings by configuration key; they win over the environment and the settings file.</summary>
    public required IReadOnlyDictionary<string, string?> Settings { get; init; }

    private static readonly Dictionary<string, string> KeyByOption = new(StringComparer.Ordinal)
    {
        ["--urls"] = SettingKeys.Urls,
        ["--data"] = SettingKeys.Data,
        ["--connection-string"] = SettingKeys.ConnectionString,
        ["--bundle"] = SettingKeys.BundleFile,
        ["--trust-root"] = SettingKeys.TrustRootFile,
        ["--log-level"] = SettingKeys.LogLevel,
        ["--dashboard"] = SettingKeys.Dashboard,
        ["--otlp"] = SettingKeys.OtlpEndpoint,
        ["--policy-updates"] = SettingKeys.PolicyUpdates,
        ["--unsafe-time-scale"] = SettingKeys.UnsafeTimeScale,
        ["--cluster"] = SettingKeys.ClusterMode,
        ["--silo-port"] = SettingKeys.SiloPort,
        ["--gateway-port"] = SettingKeys.GatewayPort,
        ["--advertise"] = SettingKeys.AdvertisedAddress,
    };

    /// <summary>Reads arguments. Throws <see cref="ConfigurationFailureException"/> with <c>config.unknown_option</c> or <c>config.missing_value</c>.</summary>
    public static CommandLine Read(IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var rest = new Queue<string>(arguments);
        if (rest.TryPeek(out var first) && first == "serve")
        {
            rest.Dequeue();
        }

        var migrateOnly = false;
        while (rest.TryDequeue(out var argument))
        {
            switch (argument)
            {
                case "--help" or "-h":
                    return new CommandLine { Help = true, Settings = settings };
                case "--version":
                    return new CommandLine { Version = true, Settings = settings };
                case "--migrate-only":
                    migrateOnly = true;
                    continue;
            }

            var (option, value) = argument.Split('=', 2) is [var name, var given] ? (name, given) : (argument, null);
            if (!KeyByOption.TryGetValue(option, out var key))
            {
                throw new ConfigurationFailureException("config.unknown_option", $"Unknown argument '{argument}'. Try --help.");
            }

            settings[key] = value ?? (rest.TryDequeue(out var next)
                ? next
                : throw new ConfigurationFailureException("config.missing_value", $"{option} needs a value. Try --help."));
        }

        return new CommandLine { MigrateOnly = migrateOnly, Settings = settings };
    }
}
