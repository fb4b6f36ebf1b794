using System.Text.Json;
using Microsoft.Extensions.Options;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>Finds everything that is wrong with the settings at once, before the host starts.</summary>
internal sealed class PolicyNodeSettingsValidator : IValidateOptions<PolicyNodeSettings>
{
    public ValidateOptionsResult Validate(string? name, PolicyNodeSettings options)
    {
        var failures = CheckNames(options).Concat(CheckServer(options)).Concat(CheckKey(options)).Concat(CheckTrust(options)).ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static IEnumerable<string> CheckNames(PolicyNodeSettings options)
    {
        foreach (var (value, member) in new[]
        {
            (options.Tenant, nameof(options.Tenant)), (options.Fleet, nameof(options.Fleet)), (options.Node, nameof(options.Node)),
            (options.FailureDomain, nameof(options.FailureDomain)),
        })
        {
            if (Names.Check(value, $"{PolicyNodeSettings.Section}:{member} '{value}'") is { } problem)
            {
                yield return problem.Message;
            }
        }
    }

    private static IEnumerable<string> CheckServer(PolicyNodeSettings options)
    {
        foreach (var server in options.Servers.Append(options.Server))
        {
            if (server is not { IsAbsoluteUri: true, Scheme: "http" or "https", PathAndQuery: "/", UserInfo: "" })
            {
                yield return $"{PolicyNodeSettings.Section}:Server must be an origin such as {PolicyClientOptions.DefaultServer}, not '{server}'.";
            }
        }
    }

    private static IEnumerable<string> CheckKey(PolicyNodeSettings options)
    {
        var given = (string.IsNullOrWhiteSpace(options.ApiKey) ? 0 : 1) + (string.IsNullOrWhiteSpace(options.ApiKeyFile) ? 0 : 1);
        if (given != 1 && !(given == 0 && options.BundleFile is { Length: > 0 }))
        {
            yield return $"{PolicyNodeSettings.Section}: give either ApiKey or ApiKeyFile, the node's own key.";
        }
        else if (options.ApiKeyFile is { Length: > 0 } file && !File.Exists(file))
        {
            yield return $"{PolicyNodeSettings.Section}:ApiKeyFile {file} does not exist.";
        }
    }

    private static IEnumerable<string> CheckTrust(PolicyNodeSettings options)
    {
        var given = (options.TrustRootFile is { Length: > 0 } ? 1 : 0) + (options.TrustRootSha256 is { Length: > 0 } ? 1 : 0) + (options.TrustOnFirstUse ? 1 : 0);
        if (given != 1 && options.Adjust is null)
        {
            yield return $"{PolicyNodeSettings.Section}: give one of TrustRootFile, TrustRootSha256 and, for trials, TrustOnFirstUse.";
        }

        if (options.TrustRootSha256 is { Length: > 0 } hash && (hash.Length != 64 || !hash.All(char.IsAsciiHexDigit)))
        {
            yield return $"{PolicyNodeSettings.Section}:TrustRootSha256 has 64 hexadecimal characters (policyctl trust hash).";
        }

        if (options.TrustRootFile is { Length: > 0 } file && ReadRoot(file) is { } problem)
        {
            yield return $"{PolicyNodeSettings.Section}:TrustRootFile {file}: {problem}";
        }
    }

    private static string? ReadRoot(string file)
    {
        try
        {
            var root = JsonSerializer.Deserialize<TrustRoot>(File.ReadAllBytes(file), PolicyJson.Options);
            return root is null ? "it holds null." : TrustRoots.Validate(root) is { Succeeded: false } refused ? refused.Problems[0].Message : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
