namespace Orleans.Runtime;

/// <summary>Scoped: gives the services of an activation's scope their activation.</summary>
internal sealed class ActivationHolder : IGrainContextAccessor
{
    public Activation? Activation { get; set; }

    public IGrainContext GrainContext => Activation ?? throw new InvalidOperationException("Only services of a grain have a grain context.");
}
