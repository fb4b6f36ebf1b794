using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli;

/// <summary>One run of one command: its parsed options, its client, its output.</summary>
internal sealed class CliContext(ParseResult parsed, CliHost host) : IDisposable
{
    private const string DefaultDataFolder = ".data";
    private const string Program = "policyctl";
    private static readonly string ProgramVersion = typeof(CliContext).Assembly.GetName().Version?.ToString(3) ?? "0";

    private PolicyClient? _client;
    private PolicyClient? _waitingClient;
    private PolicyClient? _runbookClient;

    public CliHost Host => host;

    public CliOutput Output { get; } = new(host, parsed.GetValue(GlobalOptions.Json));

    /// <summary>The addresses of the control plane's silos.</summary>
    public ImmutableArray<Uri> Servers =>
        (parsed.GetValue(GlobalOptions.Server) ?? host.Variable("POLICY_SERVER")) is { } text
            ? [.. text.Split(',', StringSplitOptions.TrimEntries).Select(ReadServer)]
            : [PolicyClientOptions.DefaultServer];

    public string Tenant => parsed.GetValue(GlobalOptions.Tenant) ?? host.Variable("POLICY_TENANT") ?? "default";

    /// <summary>The client with the key of this run.</summary>
    public PolicyClient Client => _client ??= Open(Program);

    /// <summary>The same, whose updates wait in the tenant's queue for their admission.</summary>
    public PolicyClient WaitingClient => _waitingClient ??= Open(Program, Waiting.InQueue);

    /// <summary>The same for what a runbook does, so that the history tells it from what people do.</summary>
    public PolicyClient RunbookClient => _runbookClient ??= Open(Program + "-runbook");

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    [return: NotNull]
    public T Required<T>(Option<T> option) => parsed.GetRequiredValue(option)!;

    [return: NotNull]
    public T Get<T>(Argument<T> argument) => parsed.GetRequiredValue(argument)!;

    public T? GetOptional<T>(Argument<T> argument) => parsed.GetValue(argument);

    /// <summary>The API key: given, in the environment, or in a file.</summary>
    public string ReadKey()
    {
        // A file that was asked for by name is meant, whatever the environment holds.
        var given = parsed.GetValue(GlobalOptions.Key);
        if (given is null && parsed.GetValue(GlobalOptions.KeyFile) is null)
        {
            given = host.Variable("POLICY_KEY");
        }

        if (given is not null)
        {
            return given.Trim();
        }

        var file = parsed.GetValue(GlobalOptions.KeyFile)
            ?? Path.Combine(host.Variable("POLICY_DATA") ?? DefaultDataFolder, "admin.key");
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.File($"No API key: {file} cannot be read ({e.Message}). Give --key-file, or POLICY_KEY.");
        }
    }

    public void Dispose()
    {
        _client?.Dispose();
        _waitingClient?.Dispose();
        _runbookClient?.Dispose();
    }

    private static Uri ReadServer(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri : throw CliException.Usage($"'{text}' is no http or https address.");

    private PolicyClient Open(string program, TimeSpan? admissionWait = null)
    {
        try
        {
            return new PolicyClient(new PolicyClientOptions
            {
                Servers = Servers,
                Tenant = Tenant,
                ApiKey = ReadKey(),
                Program = $"{program}/{ProgramVersion}",
                AdmissionWait = admissionWait,
            });
        }
        catch (ArgumentException e)
        {
            throw CliException.Usage(e.Message);
        }
    }
}
