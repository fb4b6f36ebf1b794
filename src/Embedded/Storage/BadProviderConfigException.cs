namespace Orleans.Storage;

/// <summary>A storage or reminder provider is named that is not configured.</summary>
public class BadProviderConfigException : Runtime.OrleansException
{
    public BadProviderConfigException()
    {
    }

    public BadProviderConfigException(string message)
        : base(message)
    {
    }

    public BadProviderConfigException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
