using System.Text.Json;
using OrleansPolicy.Cli;

namespace OrleansPolicy.Client.Tests.Cli;

/// <summary>One run of policyctl, in this process, with its own world.</summary>
internal sealed record CliRun(int ExitCode, string Out, string Error)
{
    public JsonElement Json => JsonElement.Parse(Out);

    public JsonElement ErrorJson => JsonElement.Parse(Error);

    public static Task<CliRun> RunAsync(params string[] args) => RunInAsync([], "", args);

    public static async Task<CliRun> RunInAsync(Dictionary<string, string> environment, string input, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var reader = new StringReader(input);
        var host = new CliHost { Out = output, Error = error, In = reader, Environment = environment };
        var code = await Policyctl.RunAsync(args, host);
        return new CliRun(code, output.ToString(), error.ToString());
    }
}
