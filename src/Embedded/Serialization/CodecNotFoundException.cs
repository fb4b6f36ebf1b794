namespace Orleans.Serialization;

/// <summary>A value of this type can be neither copied nor sent.</summary>
public sealed class CodecNotFoundException : Exception
{
    public CodecNotFoundException()
    {
    }

    public CodecNotFoundException(string message)
        : base(message)
    {
    }

    public CodecNotFoundException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
