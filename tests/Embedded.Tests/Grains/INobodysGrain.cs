namespace OrleansPolicy.Embedded.Tests.Grains;

/// <summary>No class implements it.</summary>
[Alias("test.nobody")]
public interface INobodysGrain : IGrainWithStringKey
{
    Task NothingAsync();
}
