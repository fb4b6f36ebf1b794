using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Configuration;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>
/// Puts in force what the file with the update limits says, at the start and whenever it changes. A tenant's limiter takes the same
/// words once: after a restart, what was set over HTTP since stays. A file that is wrong changes nothing.
/// </summary>
internal sealed partial class PolicyUpdatesReader(
    SiloSettings settings, IKeyStore tenants, IGrainFactory grains, TimeProvider time, ILogger<PolicyUpdatesReader> logger) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);
    private static readonly Caller File = new(new Actor("control-plane", "file", null, []));

    private readonly Dictionary<string, string> _applied = new(StringComparer.Ordinal);
    private (DateTime WrittenAt, long Length) _seen;
    private PolicyUpdates? _updates;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rounds = new Rounds(logger, "The update limits of the file could not be put in force yet.");
        using var timer = new PeriodicTimer(LookEvery, time);
        do
        {
            await rounds.RunAsync(
                _ =>
                {
                    Look();
                    return ApplyAsync();
                },
                stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private void Look()
    {
        try
        {
            var file = new FileInfo(settings.PolicyUpdatesFile!);
            if ((file.LastWriteTimeUtc, file.Length) == _seen)
            {
                return;
            }

            _seen = (file.LastWriteTimeUtc, file.Length);
            var read = PolicyUpdates.Read(System.IO.File.ReadAllBytes(file.FullName));
            if (read.Succeeded)
            {
                _updates = read.Value;
            }
            else
            {
                LogRefused(file.FullName, string.Join(" ", read.Problems.Select(problem => $"{problem.Message} [{problem.Code}]")));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Gone, or being replaced: what it said stays in force.
            LogUnreadable(settings.PolicyUpdatesFile!, exception.Message);
        }
    }

    private async Task ApplyAsync()
    {
        if (_updates is not { } updates)
        {
            return;
        }

        // All tenants each time: one that was created since gets its limits too.
        foreach (var tenant in await tenants.ListTenantsAsync())
        {
            if (updates.Of(tenant) is not { FileHash: { } hash } limits || _applied.GetValueOrDefault(tenant) == hash)
            {
                continue;
            }

            var set = await grains.Limiter(tenant).ConfigureAsync(limits, File);
            if (set.Succeeded)
            {
                _applied[tenant] = hash;
                LogApplied(tenant);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Information, "The update limits of tenant {Tenant} are as the file says.")]
    private partial void LogApplied(string tenant);

    [LoggerMessage(2, LogLevel.Error, "{File} is refused, what it said before stays in force: {Problems}")]
    private partial void LogRefused(string file, string problems);

    [LoggerMessage(3, LogLevel.Warning, "{File} cannot be read, what it said before stays in force: {Message}")]
    private partial void LogUnreadable(string file, string message);
}
