using OrleansPolicy.Decisions;

namespace OrleansPolicy.Benchmarks;

/// <summary>One decision beside the least that any engine must do: find the capability and read one value of the context.</summary>
internal static class DecisionSpeed
{
    public static Task RunAsync(Report report)
    {
        var rules = GatewayExample.Rules();
        var requests = GatewayExample.Requests();
        var known = requests.ToDictionary(request => request.CapabilityId + requests.IndexOf(request), StringComparer.Ordinal);
        var keys = known.Keys.ToArray();
        var sink = 0;

        void Decide(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                sink += rules.Decide(requests[i % requests.Length]).Allowed ? 1 : 0;
            }
        }

        void Read(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                sink += Touch(known[keys[i % keys.Length]]);
            }
        }

        var (ours, floor) = Alternation.NanosecondsPerOperation(
            $"decision, {rules.Count} rules, {requests.Length} inputs", Decide, "floor: one lookup, one context value", Read);
        report.Pair(ours, floor, $"{Alternation.BytesPerOperation(Decide):0.##} bytes allocated");
        GC.KeepAlive(sink);
        return Task.CompletedTask;
    }

    private static int Touch(in DecisionRequest request)
    {
        if (request.Context.ValueKind == System.Text.Json.JsonValueKind.Object)
        {
            foreach (var property in request.Context.EnumerateObject())
            {
                return property.NameEquals("auth_scope"u8) ? 1 : 2;
            }
        }

        return 0;
    }
}
