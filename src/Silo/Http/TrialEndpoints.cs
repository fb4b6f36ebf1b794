using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Decisions;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Decisions under any bundle, active or not, stored or not: for trying, replay and review.</summary>
public static class TrialEndpoints
{
    private const int InputsMax = 10_000;
    private static readonly BodyLimit TryLimit = new(BundleLimits.SizeBytesMax + (8 * 1024 * 1024));
    private static readonly BodyLimit ReplayLimit = new(8 * 1024 * 1024);

    /// <summary>Maps them.</summary>
    public static void MapTrials(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/bundles/try", TryAsync)
            .Is(Permission.Read, "Decide under a bundle in the request, which may be unsigned", "bundle.malformed", "bundle.empty", "request.inputs", "request.context", Trials.BusyCode)
            .WithMetadata(new AnsweredAnew())
            .Takes<TryRequest>(TryLimit)
            .Gives<TrialAnswer>();
        routes.MapPost("/bundles/{reference}/decide", ReplayAsync)
            .Is(Permission.Read, "Decide under a stored bundle, active or not", "bundle.unknown", "request.inputs", "request.context", Trials.BusyCode)
            .WithMetadata(new AnsweredAnew())
            .Takes<ReplayRequest>(ReplayLimit)
            .Gives<TrialAnswer>();
    }

    private static async Task<IResult> TryAsync(
        string tenant, ICatalogStore catalog, Trials trials, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http)
    {
        var request = await http.ReadAsync<TryRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        if (request.Value.Bundle.ValueKind == JsonValueKind.Undefined)
        {
            return new ProblemAnswer("bundle.malformed", "Send the bundle to try.", "$.bundle");
        }

        var inputs = DecideInputs.Read(request.Value.Inputs, InputsMax);
        if (!inputs.Succeeded)
        {
            return inputs.Refusal();
        }

        var json = JsonMarshal.GetRawUtf8Value(request.Value.Bundle).ToArray();
        var bundle = BundleReader.Read(json, BundleReadOptions.ForTrial with { Strict = http.IsStrict() || await catalog.ReadStrictAsync(tenant, http.RequestAborted) });
        var rules = bundle.Succeeded ? RuleSet.Compile(bundle.Value, requestDefault: request.Value.DefaultEffect) : bundle.As<RuleSet>();
        return rules.Succeeded
            ? await AnswerAsync(tenant, trials, rules.Value, inputs.Value, request.Value.Now ?? time.GetUtcNow(), http)
            : rules.Refusal();
    }

    private static async Task<IResult> ReplayAsync(
        string tenant, string reference, ICatalogStore catalog, RuleSetCache cache, Trials trials, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http)
    {
        var request = await http.ReadAsync<ReplayRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var inputs = DecideInputs.Read(request.Value.Inputs, InputsMax);
        if (!inputs.Succeeded)
        {
            return inputs.Refusal();
        }

        if (await catalog.FindBundleAsync(tenant, reference, http.RequestAborted) is not { } bundle || await cache.FindAsync(tenant, bundle.PolicyHash) is not { } rules)
        {
            return BundleEndpoints.Unknown(reference);
        }

        return rules.Succeeded
            ? await AnswerAsync(tenant, trials, rules.Value, inputs.Value, request.Value.Now ?? time.GetUtcNow(), http)
            : rules.Refusal();
    }

    private static async Task<IResult> AnswerAsync(
        string tenant, Trials trials, RuleSet rules, ImmutableArray<DecisionInput> inputs, DateTimeOffset now, HttpContext http) =>
        (await trials.DecideAsync(tenant, rules, inputs, now, http.RequestAborted))
            .Answer(decisions => new TrialAnswer(rules.PolicyHash, rules.Version, [.. inputs.Zip(decisions, (input, decision) => new TrialDecision(input.CapabilityId, decision))]));
}

/// <summary>A bundle to try.</summary>
/// <param name="Bundle">The bundle: native, unison, or a bare list of rules.</param>
/// <param name="Inputs">What is asked.</param>
/// <param name="Now">The moment that time windows are held against; default the server's clock.</param>
/// <param name="DefaultEffect">What happens to a request that no rule matches.</param>
public sealed record TryRequest(JsonElement Bundle, ImmutableArray<DecideInput?>? Inputs, DateTimeOffset? Now, DefaultEffect? DefaultEffect);

/// <summary>Questions to a stored bundle.</summary>
/// <param name="Inputs">What is asked.</param>
/// <param name="Now">The moment that time windows are held against; default the server's clock.</param>
public sealed record ReplayRequest(ImmutableArray<DecideInput?>? Inputs, DateTimeOffset? Now);

/// <summary>Decisions under one bundle, one for each input, in order.</summary>
public sealed record TrialAnswer(string PolicyHash, string Version, ImmutableArray<TrialDecision> Decisions);

/// <summary>The decision on one input.</summary>
public sealed record TrialDecision(string CapabilityId, Decision Decision);
