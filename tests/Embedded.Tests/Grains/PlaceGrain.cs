using Orleans.Placement;

namespace OrleansPolicy.Embedded.Tests.Grains;

[Alias("test.place")]
public interface IPlaceGrain : IGrainWithStringKey
{
    /// <summary>The name of the silo it is on.</summary>
    Task<string> WhereAsync();

    Task EnterAsync(string gate);

    /// <summary>Where a grain is that prefers to be local to its caller.</summary>
    Task<string> WhereIsLocalAsync(string key);
}

[Alias("test.local-place")]
public interface ILocalPlaceGrain : IGrainWithStringKey
{
    Task<string> WhereAsync();
}

[RandomPlacement]
public sealed class PlaceGrain(Microsoft.Extensions.Options.IOptions<Orleans.Configuration.SiloOptions> silo) : Grain, IPlaceGrain
{
    public Task<string> WhereAsync() => Task.FromResult(silo.Value.SiloName);

    public Task EnterAsync(string gate) => Gate.Named(gate).PassAsync();

    public Task<string> WhereIsLocalAsync(string key) => GrainFactory.GetGrain<ILocalPlaceGrain>(key).WhereAsync();
}

[PreferLocalPlacement]
public sealed class LocalPlaceGrain(Microsoft.Extensions.Options.IOptions<Orleans.Configuration.SiloOptions> silo) : Grain, ILocalPlaceGrain
{
    public Task<string> WhereAsync() => Task.FromResult(silo.Value.SiloName);
}
