namespace Orleans.Runtime;

/// <summary>Which activation's turn this thread runs; null outside of turns.</summary>
internal static class RuntimeContext
{
    [ThreadStatic]
    private static Activation? s_current;

    public static Activation? Current
    {
        get => s_current;
        set => s_current = value;
    }
}
