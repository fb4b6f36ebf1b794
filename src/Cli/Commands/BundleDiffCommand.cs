using System.CommandLine;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Review;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl bundle diff</c>: what changes between two bundles, in their rules and in what they decide.</summary>
internal static class BundleDiffCommand
{
    private const int GeneratedByDefault = 5_000;

    public static Command Create(CliHost host)
    {
        var (before, after) = (BundleSource.Argument("before"), BundleSource.Argument("after"));
        var inputs = new Option<string?>("--inputs") { Description = "Requests to decide: a file as 'bundle test' reads it; nothing need be expected.", HelpName = "file" };
        var log = new Option<string?>("--log") { Description = "Requests to decide: those of a decision log.", HelpName = "file" };
        var generate = new Option<int?>("--generate")
        {
            Description = $"Make so many requests from what the rules look at (default: {GeneratedByDefault}, unless --inputs or --log is given).",
            HelpName = "count",
        };
        var seed = new Option<int>("--seed") { Description = "The same seed makes the same requests.", DefaultValueFactory = _ => 1, HelpName = "number" };
        var failOver = FailOverOption.Create();
        return new Command(
            "diff",
            """
            List what changes from one bundle to another: in the rules, field by field, and in what they decide over requests that were recorded,
            given or generated; what was denied and is allowed comes first, each kind with an example.

              policyctl bundle diff examples/gateway-policy/policy.json examples/gateway-policy/policy.v2.json
              policyctl bundle diff tag:stable policy.json --log decisions.jsonl --fail-over 0.1%
            """)
        {
            before, after, inputs, log, generate, seed, failOver,
        }.Does(host, async (context, cancellationToken) =>
        {
            var limit = FailOverOption.Read(context.Get(failOver));
            var a = await BundleSource.ReadAsync(context, context.Get(before), cancellationToken);
            var b = await BundleSource.ReadAsync(context, context.Get(after), cancellationToken);
            var count = context.Get(generate) ?? (context.Get(inputs) is null && context.Get(log) is null ? GeneratedByDefault : 0);
            if (count is < 0 or > InputGenerator.CountMax)
            {
                throw CliException.Usage($"--generate is from 0 to {InputGenerator.CountMax}.");
            }

            var (builder, left) = (new DecisionDiffBuilder(), 0L);
            var (old, next) = (RuleSet.Compile(a).Value!, RuleSet.Compile(b).Value!);
            foreach (var request in await ReadInputsAsync(context, context.Get(inputs), cancellationToken))
            {
                Decide(request);
            }

            if (context.Get(log) is { } path)
            {
                await foreach (var line in CliLines.ReadRecordsAsync(path, host, cancellationToken))
                {
                    if (line.Value is { ContextKept: ContextKept.Whole } record)
                    {
                        Decide(new ReviewRequest(record.CapabilityId, record.Context, record.At));
                    }
                    else
                    {
                        left++;
                    }
                }
            }

            var generated = InputGenerator.Generate(a, b, count, context.Get(seed));
            foreach (var request in generated)
            {
                Decide(request);
            }

            var (rules, decisions) = (RuleComparison.Compare(a, b), builder.ToDiff());
            var passed = FailOverOption.Passes(limit, decisions);
            context.Output.Answer(
                new { Passed = passed, Before = Name(a), After = Name(b), Rules = rules, Generated = generated.Length, Unusable = left, Decisions = decisions },
                o => Print(o, (a, b), rules, decisions, generated.Length, left, limit));
            return passed ? ExitCodes.Ok : ExitCodes.No;

            void Decide(ReviewRequest request)
            {
                var asked = request.ToDecisionRequest();
                builder.Add(request, old.Decide(asked), next.Decide(asked));
            }
        });
    }

    /// <summary>The same for a request wherever it is decided: without a time of its own, now.</summary>
    private static async Task<IEnumerable<ReviewRequest>> ReadInputsAsync(CliContext context, string? file, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            return [];
        }

        var tests = DecisionTestReader.Read(await CliFiles.ReadAsync(file, context.Host, cancellationToken), needsExpected: false);
        var now = DateTimeOffset.UtcNow;
        return tests.Succeeded
            ? tests.Value.Select(t => new ReviewRequest(t.CapabilityId, t.Context, t.Now ?? now))
            : throw new InvalidInputException("cli.decisions_invalid", $"{file} holds no valid requests.", tests.Problems);
    }

    private static object Name(Bundle bundle) => new { bundle.Metadata.BundleId, bundle.Metadata.Version, bundle.PolicyHash, Rules = bundle.Rules.Length };

    private static void Print(
        CliOutput output, (Bundle A, Bundle B) bundles, RuleDiff rules, DecisionDiff decisions, int generated, long left, decimal? limit)
    {
        output.Line($"{Title(bundles.A)} → {Title(bundles.B)}");
        RuleDiffText.Print(output, rules);
        output.Line();
        output.Line($"Decisions over {(generated == 0 ? $"{decisions.Compared} given" : generated == decisions.Compared ? $"{generated} generated" : $"{decisions.Compared - generated} given and {generated} generated")} requests"
            + $"{(left > 0 ? $"; {left} lines of the log have no whole request" : "")}:");
        DecisionDiffText.Print(output, decisions, limit);
    }

    private static string Title(Bundle bundle) => $"{bundle.Metadata.BundleId} {bundle.Metadata.Version} ({Cli.Show.Hash(bundle.PolicyHash)}, {bundle.Rules.Length} rules)";
}
