using System.Diagnostics;

namespace OrleansPolicy.Embedded.Tests.Grains;

/// <summary>Says of which trace its call is part, at once and after it has waited.</summary>
[Alias("test.trace")]
public interface ITraceGrain : IGrainWithStringKey
{
    Task<string[]> TracesAsync();
}

public sealed class TraceGrain : Grain, ITraceGrain
{
    public async Task<string[]> TracesAsync()
    {
        var first = Trace();
        await Task.Delay(1);
        return [first, Trace()];
    }

    private static string Trace() => Activity.Current?.TraceId.ToHexString() ?? "none";
}
