using System.Collections.ObjectModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Embedded;
using Orleans.Runtime;

namespace Orleans.TestingHost;

/// <summary>Several silos and a client in this process. Calls are copied as they would be between processes.</summary>
public sealed class InProcessTestCluster : IAsyncDisposable, IDisposable
{
    private readonly List<InProcessSiloHandle> _silos = [];
    private readonly Lock _gate = new();
    private Cluster? _cluster;
    private IHost? _clientHost;
    private int _started;

    internal InProcessTestCluster(InProcessTestClusterOptions options) => Options = options;

    public InProcessTestClusterOptions Options { get; }

    public ReadOnlyCollection<InProcessSiloHandle> Silos
    {
        get
        {
            lock (_gate)
            {
                return new List<InProcessSiloHandle>(_silos).AsReadOnly();
            }
        }
    }

    public IClusterClient Client =>
        _clientHost?.Services.GetRequiredService<IClusterClient>() ?? throw new InvalidOperationException("The cluster is not deployed.");

    public async Task DeployAsync()
    {
        await StartSilosAsync(Options.InitialSilosCount);
        if (Options.InitializeClientOnDeploy)
        {
            await InitializeClientAsync();
        }
    }

    public async Task InitializeClientAsync()
    {
        await StopClusterClientAsync();
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = "TestClusterClient" });
        foreach (var configure in Options.ClientHostConfigurationDelegates)
        {
            configure(builder);
        }

        builder.UseOrleansClient(client => Configure(client.Services));
        _clientHost = builder.Build();
        await _clientHost.StartAsync();
    }

    public IEnumerable<InProcessSiloHandle> GetActiveSilos() => Silos.Where(silo => silo.IsActive);

    public IServiceProvider GetSiloServiceProvider(SiloAddress? silo = null) =>
        Silos.First(handle => silo is null || handle.SiloAddress.Equals(silo)).ServiceProvider;

    public async Task<InProcessSiloHandle> StartAdditionalSiloAsync() => (await StartSilosAsync(1))[0];

    public async Task<List<InProcessSiloHandle>> StartSilosAsync(int silosToStart)
    {
        var started = new List<InProcessSiloHandle>();
        for (var i = 0; i < silosToStart; i++)
        {
            started.Add(await StartSiloAsync((short)_started++));
        }

        return started;
    }

    /// <summary>Ends a silo in an orderly way.</summary>
    public Task StopSiloAsync(InProcessSiloHandle instance) => EndAsync(instance, gracefully: true);

    /// <summary>Has a silo crash: its activations vanish in the middle of whatever they do.</summary>
    public Task KillSiloAsync(InProcessSiloHandle instance) => EndAsync(instance, gracefully: false);

    public async Task<InProcessSiloHandle?> RestartSiloAsync(InProcessSiloHandle instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        await StopSiloAsync(instance);
        return await StartSiloAsync(instance.InstanceNumber);
    }

    public async Task StopClusterClientAsync()
    {
        if (_clientHost is { } host)
        {
            _clientHost = null;
            await host.StopAsync();
            host.Dispose();
        }
    }

    public Task KillClientAsync() => StopClusterClientAsync();

    public async Task StopSilosAsync()
    {
        foreach (var silo in Silos)
        {
            await StopSiloAsync(silo);
        }
    }

    public async Task StopAllSilosAsync()
    {
        await StopClusterClientAsync();
        await StopSilosAsync();
    }

    /// <summary>Returns at once: who lives is known without waiting.</summary>
    public Task WaitForLivenessToStabilizeAsync(bool didKill = false) => Task.CompletedTask;

    public async ValueTask DisposeAsync() => await StopAllSilosAsync();

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private void Configure(IServiceCollection services)
    {
        services.Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (Options.ClusterId, Options.ServiceId));
        services.Configure<EmbeddedOptions>(options => options.CopyCalls = true);
        services.AddSingleton(provider =>
        {
            lock (_gate)
            {
                return _cluster ??= new Cluster(provider.GetService<EngineSources>() ?? EngineSources.Default);
            }
        });
    }

    private async Task<InProcessSiloHandle> StartSiloAsync(short number)
    {
        var name = number == 0 ? "Primary" : $"Secondary_{number}";
        var specific = new InProcessTestSiloSpecificOptions { SiloName = name };
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = name });
        foreach (var configure in Options.SiloHostConfigurationDelegates)
        {
            configure(specific, builder);
        }

        builder.UseOrleans(silo =>
        {
            Configure(silo.Services);
            silo.Services.Configure<SiloOptions>(options => options.SiloName = specific.SiloName);
        });
        var host = builder.Build();
        await host.StartAsync();
        var handle = new InProcessSiloHandle
        {
            Name = name,
            InstanceNumber = number,
            SiloHost = host,
            SiloAddress = host.Services.GetRequiredService<Silo>().Address,
        };
        lock (_gate)
        {
            _silos.Add(handle);
        }

        return handle;
    }

    private async Task EndAsync(InProcessSiloHandle silo, bool gracefully)
    {
        await silo.StopSiloAsync(gracefully);
        await silo.DisposeAsync();
        lock (_gate)
        {
            _silos.Remove(silo);
        }
    }
}
