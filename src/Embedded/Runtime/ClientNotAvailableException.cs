namespace Orleans.Runtime;

/// <summary>The client that owns the called observer is gone.</summary>
public class ClientNotAvailableException : OrleansException
{
    public ClientNotAvailableException()
    {
    }

    public ClientNotAvailableException(string message)
        : base(message)
    {
    }

    public ClientNotAvailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
