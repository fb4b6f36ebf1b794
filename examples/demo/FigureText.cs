using System.Globalization;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Demo;

/// <summary>Figures as the table shows them.</summary>
internal static class FigureText
{
    /// <summary>How many nodes had to go back, and how long that took.</summary>
    public static string Of(RollbackView back) => string.Create(
        CultureInfo.InvariantCulture,
        $"{back.Nodes?.Nodes} nodes had to go back: detected, +{back.DecideMs:0} ms decided, +{back.DurableMs:0} ms durable, +{back.LastAckMs:0} ms last ACK");
}
