namespace Orleans.Runtime;

/// <summary>Something that must work before the silo takes its first activation.</summary>
internal interface ISiloPart
{
    Task StartAsync(CancellationToken cancellationToken);
}
