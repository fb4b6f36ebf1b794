namespace OrleansPolicy.Grains.Storage;

/// <summary>What <see cref="CommitResult.Detail"/> says of a <see cref="CommitStatus.Conflict"/>: the name of the constraint that held.</summary>
public static class ConflictNames
{
    /// <summary>The tenant is there already.</summary>
    public const string Tenant = "tenant_pkey";

    /// <summary>The key's id or its secret is in use.</summary>
    public const string Key = "api_key_pkey";

    /// <summary>No other key of the installation works: with this one the last way in would go.</summary>
    public const string LastKey = "api_key_last";

    /// <summary>The same content is published already.</summary>
    public const string BundleHash = "policy_bundle_pkey";

    /// <summary>Another bundle has the version.</summary>
    public const string BundleVersion = "policy_bundle_version";

    /// <summary>The run was recorded already.</summary>
    public const string Run = "run_pkey";

    /// <summary>The fleet is there already.</summary>
    public const string Fleet = "fleet_pkey";

    /// <summary>The fleet has a rollout that is not final.</summary>
    public const string RolloutInFlight = "rollout_in_flight";
}
