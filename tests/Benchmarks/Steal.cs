using System.Globalization;

namespace OrleansPolicy.Benchmarks;

/// <summary>How much processor time the hypervisor gave to others while we measured (/proc/stat, proc(5)).</summary>
internal sealed class Steal
{
    private readonly (double Stolen, double All) _start = Read();

    /// <summary>Percent of all processor time since this object was made.</summary>
    public double Percent()
    {
        var (stolen, all) = Read();
        return all > _start.All ? 100 * (stolen - _start.Stolen) / (all - _start.All) : 0;
    }

    private static (double Stolen, double All) Read()
    {
        var line = File.ReadLines("/proc/stat").First();
        var ticks = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..].Select(tick => double.Parse(tick, CultureInfo.InvariantCulture)).ToArray();
        return (ticks.Length > 7 ? ticks[7] : 0, ticks.Take(8).Sum());
    }
}
