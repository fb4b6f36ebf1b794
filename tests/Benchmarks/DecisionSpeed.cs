using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// One decision beside the least that any engine must do: find the capability and read one value of the context; the same timed one by
/// one, since inputs differ and some rules are tried late; the same from the bytes of the context on, beside parsing them as JSON alone.
/// And one that few rules concern, in bundles of 10 to 10,000 rules.
/// </summary>
internal static class DecisionSpeed
{
    private const int Rounds = 15;
    private const int TimedSingly = 50_000;
    private static readonly double NanosecondsPerTick = 1e9 / Stopwatch.Frequency;
    private static readonly int[] Sizes = [100, 1_000, 10_000];

    public static Task RunAsync(Report report)
    {
        var rules = GatewayExample.Rules();
        var requests = GatewayExample.Requests();
        var known = requests.ToDictionary(
            request => request.CapabilityId + requests.IndexOf(request), request => JsonElement.Parse(request.Context!.Utf8), StringComparer.Ordinal);
        var keys = known.Keys.ToArray();
        var sink = 0;

        void Read(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                sink += Touch(known[keys[i % keys.Length]]);
            }
        }

        var (ours, floor) = Alternation.NanosecondsPerOperation(
            $"decision, {rules.Count} rules, {requests.Length} inputs", Deciding(rules, requests), "floor: one lookup, one context value", Read);
        report.Pair(ours, floor, Allocations(rules, requests));
        GC.KeepAlive(sink);
        TimeSingly(report, rules, requests);
        FromBytes(report, rules, requests);
        CompareSizes(report);
        return Task.CompletedTask;
    }

    /// <summary>A loop of decisions over all requests in turn.</summary>
    public static Action<int> Deciding(RuleSet rules, ImmutableArray<DecisionRequest> requests) => operations =>
    {
        var allowed = 0;
        for (var i = 0; i < operations; i++)
        {
            allowed += rules.Decide(requests[i % requests.Length]).Allowed ? 1 : 0;
        }

        GC.KeepAlive(allowed);
    };

    private static string Allocations(RuleSet rules, ImmutableArray<DecisionRequest> requests)
    {
        var allocating = requests.Where(request => Alternation.BytesPerOperation(Deciding(rules, [request]), 1_000) > 0).ToArray();
        var errors = allocating.Count(request => rules.Decide(request).IsError);
        return $"bytes allocated: 0 by {requests.Length - allocating.Length} inputs; some by {errors} that cannot be evaluated and {allocating.Length - errors} with an IPv6 address";
    }

    private static void FromBytes(Report report, RuleSet rules, ImmutableArray<DecisionRequest> requests)
    {
        byte[][] bytes = [.. requests.Select(request => request.Context!.Utf8.ToArray())];
        var allowed = 0;
        Action<int> decide = operations =>
        {
            for (var i = 0; i < operations; i++)
            {
                var at = i % bytes.Length;
                allowed += rules.Decide(requests[at] with { Context = DecisionContext.Parse(bytes[at]) }).Allowed ? 1 : 0;
            }
        };
        Action<int> parse = operations =>
        {
            for (var i = 0; i < operations; i++)
            {
                allowed += JsonElement.Parse(bytes[i % bytes.Length]).ValueKind == JsonValueKind.Object ? 1 : 0;
            }
        };
        var (ours, json) = Alternation.NanosecondsPerOperation("context read from bytes and decided", decide, "context parsed as JSON, no more", parse);
        report.Pair(ours, json, string.Create(CultureInfo.InvariantCulture, $"bytes allocated: {Alternation.BytesPerOperation(decide):0} and {Alternation.BytesPerOperation(parse):0}"));
        GC.KeepAlive(allowed);
    }

    // In any order, so that no processor learns it. The clock's own time is in it, and stands beside it.
    private static void TimeSingly(Report report, RuleSet rules, ImmutableArray<DecisionRequest> requests)
    {
        var order = Enumerable.Range(0, TimedSingly).Select(_ => Random.Shared.Next(requests.Length)).ToArray();
        var times = new double[TimedSingly];
        var (medians, slow, clock) = (new List<double>(), new List<double>(), new List<double>());
        var allowed = 0;
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < times.Length; i++)
            {
                ref readonly var request = ref requests.ItemRef(order[i]);
                var start = Stopwatch.GetTimestamp();
                allowed += rules.Decide(request).Allowed ? 1 : 0;
                times[i] = (Stopwatch.GetTimestamp() - start) * NanosecondsPerTick;
            }

            medians.Add(Share(0.5));
            slow.Add(Share(0.99));
            for (var i = 0; i < times.Length; i++)
            {
                var start = Stopwatch.GetTimestamp();
                times[i] = (Stopwatch.GetTimestamp() - start) * NanosecondsPerTick;
            }

            clock.Add(Share(0.5));
        }

        GC.KeepAlive(allowed);
        report.Pair(
            new Samples("each decision timed by itself: the median one", "ns", medians), new Samples("the clock", "ns", clock));
        report.Row(new Samples("the 99th percentile", "ns", slow));

        double Share(double share)
        {
            Array.Sort(times);
            return times[(int)(share * times.Length)];
        }
    }

    private static void CompareSizes(Report report)
    {
        var few = Services(10);
        foreach (var size in Sizes)
        {
            var many = Services(size);
            var (ours, baseline) = Alternation.NanosecondsPerOperation(
                $"decision, {size} rules, 5 of them for the capability", Deciding(many.Rules, many.Requests), "decision, 10 rules, likewise", Deciding(few.Rules, few.Requests));
            report.Pair(ours, baseline);
        }
    }

    // Services of five rules each; a request is for the second, and the last of its five rules matches.
    private static (RuleSet Rules, ImmutableArray<DecisionRequest> Requests) Services(int count)
    {
        var policies = Enumerable.Range(0, count).Select(i => $$$"""
            {"id":"r{{{i}}}","effect":"allow","match":{"capability":"service{{{i / 5}}}.orders.*","path":"context.subject.role","eq":"role{{{i % 5}}}"}}
            """);
        var bundle = Encoding.UTF8.GetBytes($$"""
            {"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"i","kind":"rules"},"policies":[{{string.Join(',', policies)}}]}
            """);
        using var context = JsonDocument.Parse("""{"subject":{"id":"u-17","role":"role4"}}""");
        return (
            RuleSet.Compile(BundleReader.Read(bundle, BundleReadOptions.ForTrial).Value!).Value!,
            [new DecisionRequest("service1.orders.read", context.RootElement.Clone(), DateTimeOffset.UnixEpoch)]);
    }

    private static int Touch(JsonElement context)
    {
        if (context.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in context.EnumerateObject())
            {
                return property.NameEquals("auth_scope"u8) ? 1 : 2;
            }
        }

        return 0;
    }
}
