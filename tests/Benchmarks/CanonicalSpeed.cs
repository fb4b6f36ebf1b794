using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Benchmarks;

/// <summary>RFC 8785 over the gateway example, beside System.Text.Json parsing and writing the same bytes without sorting anything.</summary>
internal static class CanonicalSpeed
{
    public static Task RunAsync(Report report)
    {
        var json = GatewayExample.PolicyJson;
        var sink = 0;

        void Canonical(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                sink += CanonicalJson.Canonicalize(json).Length;
            }
        }

        void ParseAndWrite(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                sink += JsonSerializer.SerializeToUtf8Bytes(JsonNode.Parse(json)).Length;
            }
        }

        var (ours, baseline) = Alternation.NanosecondsPerOperation(
            $"canonical form of {json.Length / 1024} KiB", Canonical, "parse and write, unsorted", ParseAndWrite);
        report.Pair(ours, baseline);
        GC.KeepAlive(sink);
        return Task.CompletedTask;
    }
}
