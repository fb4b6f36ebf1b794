using OrleansPolicy.Cli;

return await Policyctl.RunAsync(args, CliHost.OfProcess());
