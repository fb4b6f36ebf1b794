using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Runtime;

namespace Orleans.TestingHost;

/// <summary>A silo with a host of its own in this process.</summary>
public class InProcessSiloHandle : SiloHandle
{
    private bool _stopped;

    public IHost SiloHost { get; init; } = null!;

    public IServiceProvider ServiceProvider => SiloHost.Services;

    public override bool IsActive => !_stopped;

    public override async Task StopSiloAsync(bool stopGracefully)
    {
        if (_stopped)
        {
            return;
        }

        _stopped = true;
        if (!stopGracefully)
        {
            // A crash comes first; what then stops the host finds nothing left to say goodbye.
            SiloHost.Services.GetRequiredService<Silo>().Disappear();
        }

        await SiloHost.StopAsync(stopGracefully ? CancellationToken.None : new CancellationToken(canceled: true));
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await StopSiloAsync(stopGracefully: true);
        if (SiloHost is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
        else
        {
            SiloHost.Dispose();
        }
    }
}
