namespace Orleans.Runtime;

/// <summary>A reminder could not be written or removed: somebody else changed it.</summary>
public sealed class ReminderException : OrleansException
{
    public ReminderException()
    {
    }

    public ReminderException(string message)
        : base(message)
    {
    }

    public ReminderException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
