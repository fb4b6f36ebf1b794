namespace OrleansPolicy.Silo.Configuration;

/// <summary>The process cannot start as it was told to. One line on the error output says so; the exit code is 2.</summary>
public sealed class ConfigurationFailureException : Exception
{
    /// <summary>With a stable code.</summary>
    public ConfigurationFailureException(string code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>Required by convention.</summary>
    public ConfigurationFailureException()
    {
    }

    /// <summary>Required by convention.</summary>
    public ConfigurationFailureException(string message)
        : base(message)
    {
    }

    /// <summary>Required by convention.</summary>
    public ConfigurationFailureException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Dotted and stable, such as <c>config.urls</c>.</summary>
    public string Code { get; } = "config.invalid";
}
