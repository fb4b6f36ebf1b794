using OrleansPolicy.Benchmarks;
using OrleansPolicy.Benchmarks.Faults;
using OrleansPolicy.Benchmarks.Scale;

var benchmarks = new Dictionary<string, (string What, Func<Report, Task> Run)>(StringComparer.Ordinal)
{
    ["start"] = ("process start to /readyz 200, with an empty and with an existing data folder", ProcessStart.RunAsync),
    ["start-joining"] = ("the same of a silo that joins two others (engine Orleans)", ProcessStart.RunJoiningAsync),
    ["decision"] = ("one decision over the gateway example, beside reading the same inputs", DecisionSpeed.RunAsync),
    ["reload"] = ("a bundle's bytes to the swap: 1,000 and 10,000 rules; verification of 1 MB", ReloadSpeed.RunAsync),
    ["reload-first"] = ("the first reload of a process, once, in milliseconds", ReloadSpeed.RunFirstAsync),
    ["node"] = ("a decision of a node with and without a decision log; the context of a web request", NodeSpeed.RunAsync),
    ["peers"] = ("two rules in process, beside casbin and Cedar (npm install in tests/Benchmarks/peers)", PeerSpeed.RunAsync),
    ["http"] = ("decisions over HTTP, beside Cerbos and an empty endpoint (npm install in tests/Benchmarks/peers, wrk)", HttpDecideSpeed.RunAsync),
    ["empty-endpoint"] = ("an HTTP endpoint that does nothing, for others to load", EmptyEndpoint.RunAsync),
    ["reload-load"] = ("requests of a web application while its node reloads 100 times, beside the same load without (wrk)", ReloadUnderLoad.RunFullAsync),
    ["reload-each-second"] = ("the same with one reload a second", ReloadUnderLoad.RunEachSecondAsync),
    ["reload-paced"] = ("reload-load under a load that leaves room on the processors, about 20,000 requests a second", ReloadUnderLoad.RunPacedAsync),
    ["reload-http"] = ("POST /reload of the single-node service, 1,000 rules, beside what the node says the reload itself took", ReloadOverHttp.RunAsync),
    ["canonical"] = ("the canonical form of a bundle, beside parsing and writing it", CanonicalSpeed.RunAsync),
    ["canonical-peers"] = ("100,000 generated documents: differences to npm's canonicalize and CPython's json", CanonicalPeers.RunAsync),
    ["rollout"] = ("aggregating a report, one look with its event, the cut of 100,000 nodes", RolloutSpeed.RunAsync),
    ["rollout-100000"] = ("100,000 nodes behind ten relays, in four stages and back: until all have heard of a change, and the memory", LargeRollout.RunAsync),
    ["call"] = ("a call from grain to grain in one silo, beside a trip to the thread pool", CallSpeed.RunAsync),
    ["rollback"] = ("1,000 real agents at 100 %: durable decision to last ACK", RollbackSpeed.RunAsync),
    ["rollback-kill"] = ("the same with the control plane killed at the decision and started again", RollbackSpeed.RunKilledAsync),
    ["disarm"] = ("1,000 real agents disarmed: asked to the last one denying, and to the answer that all confirmed", DisarmSpeed.RunAsync),
    ["parity"] = ("500 pairs of real agents go over to another bundle and back under decisions: how long they deny, and whether a pair ever differs", ParitySpeed.RunAsync),
    ["outage"] = ("1,000 agents that decide all the time while PostgreSQL or the control plane is away for 20 s", ShortOutage.RunAsync),
    ["outage-long"] = ("1,000 agents whose lease ends while either is away: until all deny, until all serve again", report => LongOutage.RunAsync(report, 1_000)),
    ["outage-10000"] = ("the same for 10,000 agents", report => LongOutage.RunAsync(report, 10_000)),
    ["admission"] = ("durable admissions on one connection, beside the upsert of a single row and a Redis Lua bucket; p99 at 200 a second", AdmissionSpeed.RunAsync),
    ["wake"] = ("10,000 open long polls: the memory they take, durable decision to last answer", WakeSpeed.RunAsync),
    ["register"] = ("10,000 registrations in one batch", RegisterSpeed.RunAsync),
    ["scale"] = ("statements, log and grain calls of a rollout over 1,000, 10,000 and 50,000 nodes (pg_stat_statements)", ScaleCounts.RunAsync),
    ["scale-silos"] = ("requests a second of three silos on the processors of one (engine Orleans)", ScaleSilos.RunAsync),
    ["idle"] = ("processor time of 200 active rollouts in 200 fleets at rest", IdleCost.RunAsync),
};

if (args is ["faults", .. var more])
{
    return await FaultProgram.RunAsync(more);
}

if (args is not [{ } name] || !benchmarks.TryGetValue(name, out var benchmark))
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/Benchmarks -- NAME");
    foreach (var (key, (what, _)) in benchmarks)
    {
        Console.Error.WriteLine($"  {key,-16} {what}");
    }

    Console.Error.WriteLine($"  {"faults",-16} three silos (engine Orleans) and what breaks around them; faults --help says more");
    return 2;
}

var report = new Report();
await benchmark.Run(report);
report.Close();
return 0;
