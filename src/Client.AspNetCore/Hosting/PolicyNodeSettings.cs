using Microsoft.AspNetCore.Http;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>
/// The node of an application, as it is configured: from the section <c>PolicyNode</c> of the configuration, in code, or both.
/// Checked when the host starts; every mistake is named.
/// </summary>
public sealed class PolicyNodeSettings
{
    /// <summary>The section of the configuration that they are read from.</summary>
    public const string Section = "PolicyNode";

    /// <summary>Scheme, host and port of the control plane. Default <c>http://127.0.0.1:8080</c>.</summary>
    public Uri Server { get; set; } = PolicyClientOptions.DefaultServer;

    /// <summary>The addresses of the control plane's silos, in place of <see cref="Server"/>, where there are several.</summary>
    public IList<Uri> Servers { get; } = [];

    /// <summary>The node's own key. This or <see cref="ApiKeyFile"/> is needed, unless a <see cref="BundleFile"/> leads.</summary>
    public string? ApiKey { get; set; }

    /// <summary>A file with the node's own key, such as a mounted secret.</summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>The tenant. Default <c>default</c>.</summary>
    public string Tenant { get; set; } = "default";

    /// <summary>The fleet. Default <c>default</c>.</summary>
    public string Fleet { get; set; } = "default";

    /// <summary>The node's name, unique in its fleet. Default: the machine's name in lower case.</summary>
    public string Node { get; set; } = Environment.MachineName.ToLowerInvariant();

    /// <summary>What it shares a fate with: a zone, a rack. Default <c>default</c>.</summary>
    public string FailureDomain { get; set; } = "default";

    /// <summary>Its role, for people.</summary>
    public string? Role { get; set; }

    /// <inheritdoc cref="PolicyNodeOptions.ParityGroup"/>
    public string? ParityGroup { get; set; }

    /// <summary>Free labels.</summary>
    public Dictionary<string, string> Labels { get; } = new(StringComparer.Ordinal);

    /// <summary>A file with the trust root given at install. This, <see cref="TrustRootSha256"/> or <see cref="TrustOnFirstUse"/> is needed.</summary>
    public string? TrustRootFile { get; set; }

    /// <summary>The hash of a trust root (<c>policyctl trust hash</c>), which is then fetched and compared.</summary>
    public string? TrustRootSha256 { get; set; }

    /// <inheritdoc cref="PolicyNodeOptions.TrustOnFirstUse"/>
    public bool TrustOnFirstUse { get; set; }

    /// <inheritdoc cref="PolicyNodeOptions.DefaultEffect"/>
    public DefaultEffect? DefaultEffect { get; set; }

    /// <inheritdoc cref="PolicyNodeOptions.StateFolder"/>
    public string? StateFolder { get; set; }

    /// <inheritdoc cref="PolicyNodeOptions.BundleFile"/>
    public string? BundleFile { get; set; }

    /// <inheritdoc cref="PolicyNodeOptions.DecisionLog"/>
    public DecisionLogOptions? DecisionLog { get; set; }

    /// <summary>What a decision is told of a request. Default: <see cref="RequestContext.Of(HttpContext)"/>. What an endpoint adds is merged over it; one that is no object is denied.</summary>
    public Func<HttpContext, DecisionContext> Context { get; set; } = RequestContext.Of;

    /// <summary>The last word on the node's options, for what no configuration file can say (an own check of bundles, connections to share).</summary>
    public Func<PolicyNodeOptions, PolicyNodeOptions>? Adjust { get; set; }
}
