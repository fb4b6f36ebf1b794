namespace OrleansPolicy.Silo.Security;

/// <summary>Marks an endpoint that no request limit may hold up: taking a rollout back, disarming.</summary>
public sealed record NeverLimited;
