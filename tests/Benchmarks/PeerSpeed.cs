using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// The same two rules on the same input, in process: ours beside casbin and Cedar (WebAssembly) under Node.js, in turn. Cedar's
/// policies are parsed beforehand, as our bundle is.
/// </summary>
internal static class PeerSpeed
{
    private const int Rounds = 15;
    private const int OursPerRound = 500_000;

    // The rules of peers.mjs.
    private static readonly byte[] Bundle =
        """
        {"metadata":{"bundle_id":"orders","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"benchmark","kind":"rules"},
         "policies":[
          {"id":"suspended","priority":1,"effect":"deny","match":{"path":"context.subject.status","in":["suspended","closed"]}},
          {"id":"own","effect":"allow","match":{"capability":"orders.read","path":"context.resource.owner","eq":{"path":"context.subject.id"}}}]}
        """u8.ToArray();

    public static Task RunAsync(Report report)
    {
        Peers.Installed("casbin");
        using var node = Peers.Start("node", "peers.mjs");
        using var context = JsonDocument.Parse(
            """{"subject":{"id":"u-17","type":"user","tenant":"acme","status":"active","country":"DE"},"resource":{"owner":"u-17","tenant":"acme"}}""");
        var rules = RuleSet.Compile(BundleReader.Read(Bundle, BundleReadOptions.ForTrial).Value!).Value!;
        ImmutableArray<DecisionRequest> requests = [new("orders.read", context.RootElement, DateTimeOffset.UnixEpoch)];
        if (!rules.Decide(requests[0]).Allowed)
        {
            throw new InvalidOperationException("The rules do not allow what they allow elsewhere.");
        }

        var decide = DecisionSpeed.Deciding(rules, requests);
        var (ours, casbin, cedar) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = -2; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            decide(OursPerRound);
            var mine = Stopwatch.GetElapsedTime(start).TotalNanoseconds / OursPerRound;
            var theirs = Ask(node, "casbin 10000");
            var cedars = Ask(node, "cedar 2000");
            if (round >= 0)
            {
                // The first two are for the compilers.
                ours.Add(mine);
                casbin.Add(theirs);
                cedar.Add(cedars);
            }
        }

        node.StandardInput.WriteLine("end");
        report.Pair(new Samples("casbin: two rules, one input", "ns/op", casbin), new Samples("ours, likewise", "ns/op", ours));
        report.Pair(new Samples("Cedar (wasm): two rules, one input", "ns/op", cedar), new Samples("ours, likewise", "ns/op", ours));
        return Task.CompletedTask;
    }

    private static double Ask(Process node, string question)
    {
        node.StandardInput.WriteLine(question);
        return double.Parse(node.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
    }
}
