using System.CommandLine;
using System.CommandLine.Invocation;
using OrleansPolicy.Cli.Commands;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli;

/// <summary>The program: its commands, and how a run of one ends.</summary>
internal static class Policyctl
{
    public static async Task<int> RunAsync(IReadOnlyList<string> args, CliHost host, CancellationToken cancellationToken = default)
    {
        var parsed = CreateRoot(host).Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var error in parsed.Errors)
            {
                await host.Error.WriteLineAsync($"policyctl: {error.Message}");
            }

            await host.Error.WriteLineAsync("Try --help.");
            return ExitCodes.Usage;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration { Output = host.Out, Error = host.Error }, cancellationToken);
    }

    public static RootCommand CreateRoot(CliHost host)
    {
        var root = new RootCommand($"policyctl: the command line of Orleans.Policy.\n\n{ExitCodes.Help}");
        GlobalOptions.AddTo(root);
        root.Subcommands.Add(KeygenCommand.Create(host));
        root.Subcommands.Add(TrustCommands.Create(host));
        root.Subcommands.Add(BundleCommands.Create(host));
        root.Subcommands.Add(BaselineCommands.Create(host));
        root.Subcommands.Add(ReplayCommand.Create(host));
        root.Subcommands.Add(FleetCommands.Create(host));
        root.Subcommands.Add(RolloutCommands.Create(host));
        root.Subcommands.Add(WaveCommands.Create(host));
        root.Subcommands.Add(DeployCommand.Create(host));
        root.Subcommands.Add(NodeCommands.Create(host));
        root.Subcommands.Add(ArmCommands.Arm(host));
        root.Subcommands.Add(ArmCommands.Disarm(host));
        root.Subcommands.Add(EventCommands.Create(host));
        root.Subcommands.Add(WebhookCommands.Create(host));
        root.Subcommands.Add(AdmissionCommands.Create(host));
        root.Subcommands.Add(WaiverCommands.Create(host));
        root.Subcommands.Add(LineCommands.Create(host));
        root.Subcommands.Add(WindowCommands.Create(host));
        root.Subcommands.Add(CapsCommands.Create(host));
        root.Subcommands.Add(RunCommands.Create(host));
        root.Subcommands.Add(HistoryCommand.Create(host));
        root.Subcommands.Add(DecisionCommands.Create(host));
        root.Subcommands.Add(AuditCommands.Create(host));
        root.Subcommands.Add(KeyCommands.Create(host));
        root.Subcommands.Add(TenantCommands.Create(host));
        root.Subcommands.Add(CompletionCommand.Create(host));
        return root;
    }

    /// <summary>Gives a command its action; every way it can fail becomes a message and an exit code.</summary>
    public static Command Does(this Command command, CliHost host, Func<CliContext, CancellationToken, Task<int>> run)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = new CliContext(parsed, host);
            try
            {
                return await run(context, cancellationToken);
            }
            catch (CliException e)
            {
                context.Output.Error(e.Code, e.Message);
                return e.ExitCode;
            }
            catch (InvalidInputException e)
            {
                context.Output.Error(e.Code, e.Message, e.Problems);
                return ExitCodes.No;
            }
            catch (PolicyApiException e)
            {
                return context.Output.Fail(e);
            }
            catch (PolicyUnreachableException e)
            {
                context.Output.Error("cli.unreachable", e.Message);
                return ExitCodes.Unreachable;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return ExitCodes.Interrupted;
            }
        });
        return command;
    }
}
