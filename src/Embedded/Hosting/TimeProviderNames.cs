namespace Orleans.Runtime;

/// <summary>The keys under which a <see cref="TimeProvider"/> of its own may be registered for a part of the engine.</summary>
public static class TimeProviderNames
{
    public const string Grains = "Orleans.Grains";
    public const string Messaging = "Orleans.Messaging";
    public const string ActivationManagement = "Orleans.ActivationManagement";
}
