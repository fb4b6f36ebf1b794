namespace Orleans.Configuration;

/// <summary>For calls from within a silo.</summary>
public class SiloMessagingOptions : MessagingOptions
{
    /// <summary>How often a call that meets an ending activation is sent on.</summary>
    public int MaxForwardCount { get; set; } = 2;
}
