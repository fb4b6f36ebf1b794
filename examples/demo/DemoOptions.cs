using System.Globalization;

namespace OrleansPolicy.Demo;

/// <summary>What the demo was called with.</summary>
internal sealed record DemoOptions
{
    public const string Help = """
        ./run demo: a whole fleet on this machine, over the public HTTP API.

          --agents N        how many node agents (default 1000)
          --hour SECONDS    how long a contract hour lasts (default 3)
          --keep            leave the data folder, keys and logs where they are
          --plain           lines instead of a live table (also where standard output is no terminal)
          --help

        Exit code 0 only if every step went as stated.
        """;

    /// <summary>The clone: examples are read from it.</summary>
    public required string Root { get; init; }

    /// <summary>The control plane's program.</summary>
    public required string Silo { get; init; }

    /// <summary>The command line's program.</summary>
    public required string Policyctl { get; init; }

    public int Agents { get; init; } = 1000;

    public double HourSeconds { get; init; } = 3;

    public bool Keep { get; init; }

    public bool Plain { get; init; }

    /// <summary>Null: only the help was asked for.</summary>
    /// <exception cref="DemoFailureException">An option is unknown or wrong.</exception>
    public static DemoOptions? Read(IReadOnlyList<string> arguments)
    {
        var (values, flags) = (new Dictionary<string, string>(), new HashSet<string>());
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--help" or "-h":
                    return null;
                case "--keep" or "--plain":
                    flags.Add(arguments[i]);
                    break;
                case "--root" or "--silo" or "--policyctl" or "--agents" or "--hour" when i + 1 < arguments.Count:
                    values[arguments[i]] = arguments[++i];
                    break;
                default:
                    throw new DemoFailureException($"Unknown or incomplete option {arguments[i]}.\n\n{Help}");
            }
        }

        return new DemoOptions
        {
            Root = values.GetValueOrDefault("--root") ?? throw new DemoFailureException("Start it by ./run demo."),
            Silo = values.GetValueOrDefault("--silo") ?? throw new DemoFailureException("Start it by ./run demo."),
            Policyctl = values.GetValueOrDefault("--policyctl") ?? throw new DemoFailureException("Start it by ./run demo."),
            Agents = (int)Number(values, "--agents", 1000, 20, 10_000),
            HourSeconds = Number(values, "--hour", 3, 0.5, 3600),
            Keep = flags.Contains("--keep"),
            Plain = flags.Contains("--plain"),
        };
    }

    private static double Number(Dictionary<string, string> values, string name, double otherwise, double min, double max)
    {
        if (!values.TryGetValue(name, out var text))
        {
            return otherwise;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new DemoFailureException($"{name} is a number from {min} to {max}.");
    }
}
