using System.Globalization;

namespace OrleansPolicy.Benchmarks;

/// <summary>What a benchmark prints: a Markdown row a measurement, so that it goes into docs/BENCHMARKS.md as it is.</summary>
internal sealed class Report
{
    private readonly Steal _steal = new();
    private bool _headed;

    public void Row(Samples samples, string note = "")
    {
        if (!_headed)
        {
            _headed = true;
            Console.WriteLine("| what | unit | median | min | max | n | |");
            Console.WriteLine("|---|---|---:|---:|---:|---:|---|");
        }

        Console.WriteLine(
            $"| {samples.Name} | {samples.Unit} | {Number(samples.Median)} | {Number(samples.Min)} | {Number(samples.Max)} | {samples.Values.Count} | {note} |");
    }

    public void Pair(Samples ours, Samples baseline, string note = "")
    {
        Row(ours, note);
        Row(baseline, $"ours / this: {Number(ours.RatioTo(baseline))} (median of pairs)");
    }

    public void Close() => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"\n{Environment.ProcessorCount} processors, .NET {Environment.Version}, stolen time {_steal.Percent():0.0} %"));

    private static string Number(double value) => value switch
    {
        >= 100 => value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.00", CultureInfo.InvariantCulture),
    };
}
