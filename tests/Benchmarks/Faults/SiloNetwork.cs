using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>
/// A network of this machine (Linux, root, iproute2): each silo in a network namespace of its own, on one cable to a bridge on which
/// PostgreSQL and the agents are. A cable that is cut carries nothing more and says nothing: what is under way waits for answers
/// that do not come.
/// </summary>
internal sealed class SiloNetwork : IAsyncDisposable
{
    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"pol{Environment.ProcessId}");
    private readonly string _subnet = string.Create(CultureInfo.InvariantCulture, $"10.231.{Environment.ProcessId % 256}");
    private readonly int _silos;

    private SiloNetwork(int silos)
    {
        _silos = silos;
        Hub = IPAddress.Parse(_subnet + ".1");
        Places = [.. Enumerable.Range(0, silos).Select(silo => new SiloPlace(AddressOf(silo), NameOf(silo)))];
    }

    /// <summary>This machine's address on it: PostgreSQL listens here, agents come from here.</summary>
    public IPAddress Hub { get; }

    /// <summary>The addresses on it, for who lets somebody in.</summary>
    public string Subnet => _subnet + ".0/24";

    /// <summary>A place for each silo.</summary>
    public ImmutableArray<SiloPlace> Places { get; }

    /// <summary>What keeps this machine from having one; null: nothing.</summary>
    public static string? Obstacle() =>
        !OperatingSystem.IsLinux() ? "network namespaces are Linux'."
        : Environment.UserName != "root" ? "it puts each silo into a network namespace of its own, which only root may."
        : !Commands.Exists("ip") ? "there is no program 'ip' (Debian: apt-get install iproute2)."
        : null;

    public static async Task<SiloNetwork> CreateAsync(int silos)
    {
        var made = new SiloNetwork(silos);
        try
        {
            await IpAsync("link", "add", made._name, "type", "bridge");
            await IpAsync("address", "add", made.Hub + "/24", "dev", made._name);
            await IpAsync("link", "set", made._name, "up");
            for (var silo = 0; silo < silos; silo++)
            {
                var name = made.NameOf(silo);
                await IpAsync("netns", "add", name);
                await IpAsync("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
                await IpAsync("link", "set", name, "master", made._name, "up");
                await IpAsync("-n", name, "address", "add", made.AddressOf(silo) + "/24", "dev", "eth0");
                await IpAsync("-n", name, "link", "set", "eth0", "up");
                await IpAsync("-n", name, "link", "set", "lo", "up");
            }

            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    public Task CutAsync(int silo) => IpAsync("link", "set", NameOf(silo), "down");

    public Task MendAsync(int silo) => IpAsync("link", "set", NameOf(silo), "up");

    /// <summary>Takes all of it away, as far as it was made.</summary>
    public async ValueTask DisposeAsync()
    {
        for (var silo = 0; silo < _silos; silo++)
        {
            // A cable goes with either of its ends.
            await Commands.TryRunAsync("ip", "netns", "delete", NameOf(silo));
            await Commands.TryRunAsync("ip", "link", "delete", NameOf(silo));
        }

        await Commands.TryRunAsync("ip", "link", "delete", _name);
    }

    private static Task IpAsync(params string[] arguments) => Commands.RunAsync("ip", arguments);

    // An interface's name has at most 15 characters.
    private string NameOf(int silo) => string.Create(CultureInfo.InvariantCulture, $"{_name}s{silo}");

    private IPAddress AddressOf(int silo) => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"{_subnet}.{silo + 2}"));
}
