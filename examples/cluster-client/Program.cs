using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansPolicy;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Client.Cluster;

// usage: cluster-client FLEET NODE [ROLLOUT], with PolicyCluster__ConnectionString in the environment
if (args is not [var fleet, var node, ..])
{
    Console.Error.WriteLine("usage: cluster-client FLEET NODE [ROLLOUT]; the silos' database in PolicyCluster__ConnectionString");
    return 2;
}

const string Tenant = "default";

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.AddPolicyCluster();
using var host = builder.Build();
await host.StartAsync();
var cluster = host.Services.GetRequiredService<IClusterClient>();

// May something be updated now? Under one operation id, asking again after a lost answer takes no second admission.
var operation = Guid.NewGuid().ToString("N");
var caller = ClusterCaller.Of("nightly-job", operation);
var limiter = cluster.Limiter(Tenant);
var demand = new AdmissionDemand(AdmissionDemand.Admission, fleet, "nightly-job");
Print("limiter: take", await limiter.TakeAsync(demand, caller), answer => answer.Allowed ? "allowed" : $"refused, again in {answer.TimeUntilNextSec:0} s");
Print("limiter: the same again", await limiter.TakeAsync(demand, caller), answer => $"allowed: {answer.Allowed}");
Print("limiter: look", await limiter.PeekAsync(demand), answer => $"{answer.Tokens:0.#} of {answer.Limit:0.#} left");

// What does a node run, and how did its last reloads go?
var history = await cluster.Node(Tenant, fleet, node).GetAsync();
Console.WriteLine($"node {fleet}/{node} runs {history.Version ?? "nothing"}; its last reloads:");
foreach (var reload in history.Reloads)
{
    Console.WriteLine($"  {reload.At:O}  {reload.Version}  {(reload.Success ? "in force" : reload.Error)}");
}

// How far is a rollout, and why is it there?
if (args is [_, _, var rollout, ..])
{
    Print($"rollout {rollout}", await cluster.Rollout(Tenant, rollout).GetAsync(), view => $"{view.State}, {view.Percentage:0.#} %, epoch {view.Epoch}: {view.Reason}");
}

await host.StopAsync();
return 0;

// An expected failure is a value with a code; an exception means that no silo answered.
static void Print<T>(string what, Outcome<T> outcome, Func<T, string> show) =>
    Console.WriteLine($"{what}: {(outcome.Succeeded ? show(outcome.Value!) : $"{outcome.Problems[0].Code}: {outcome.Problems[0].Message}")}");
