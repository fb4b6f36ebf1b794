using System.Text.Json;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary>One real agent in the foreground.</summary>
internal static class NodeRun
{
    public static async Task<int> RunAsync(CliContext context, Request request, CancellationToken cancellationToken)
    {
        PolicyNode node;
        try
        {
            node = await PolicyNode.StartAsync(
                new PolicyNodeOptions
                {
                    Servers = context.Servers,
                    Tenant = context.Tenant,
                    ApiKey = context.ReadKey(),
                    Fleet = request.Fleet,
                    Node = request.Node,
                    FailureDomain = request.Domain,
                    ParityGroup = request.Group,
                    Role = request.Role,
                    TrustRootFile = request.TrustFile,
                    TrustRootSha256 = request.TrustSha256,
                    DecisionLog = request.Log,
                    OnEvent = e => Print(context, e),
                },
                cancellationToken);
        }
        catch (ArgumentException e)
        {
            throw CliException.Usage(e.Message);
        }

        await using (node)
        {
            try
            {
                await DecideLinesAsync(context, node, cancellationToken);
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // Ctrl-C is how it is meant to end.
            }
        }

        return ExitCodes.Ok;
    }

    private static void Print(CliContext context, NodeEvent e)
    {
        // Standard output belongs to the decisions.
        var line = context.Output.IsJson
            ? JsonSerializer.Serialize(e, PolicyJson.Options)
            : $"{e.At.ToLocalTime():HH:mm:ss.fff}  {Show.Word(e.Kind),-13}  {e.Text}";
        lock (context.Host.Error)
        {
            context.Host.Error.WriteLine(line);
        }
    }

    private static async Task DecideLinesAsync(CliContext context, PolicyNode node, CancellationToken cancellationToken)
    {
        var isFirst = true;
        while (await context.Host.In.ReadLineAsync(cancellationToken) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            if (isFirst)
            {
                await node.WaitUntilServingAsync(cancellationToken);
                isFirst = false;
            }

            try
            {
                var input = JsonSerializer.Deserialize<DecideInput>(line, PolicyJson.Options)!;
                var decided = node.Decide(input.CapabilityId, input.Context ?? default);
                context.Output.Json(new { input.CapabilityId, decided.Decision, decided.PolicyVersion, decided.PolicyHash, decided.Epoch, decided.Timestamp });
            }
            catch (Exception e) when (e is JsonException or NullReferenceException)
            {
                context.Output.Error("cli.input", $"Not an input: {e.Message}");
            }
        }
    }

    internal sealed record Request(string Node, string Fleet, string? TrustFile, string? TrustSha256, string Domain, string? Group, string? Role, DecisionLogOptions? Log);
}
