using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>One state of one activation. Its reads and writes follow one another even where requests interleave.</summary>
internal sealed class PersistentState<T>(Activation activation, string name, IGrainStorage storage) : IPersistentState<T>, IActivationState
{
    private readonly GrainState<T> _state = new(Empty());
    private Task _last = Task.CompletedTask;
    private bool _loaded;

    private delegate Task Operation(CancellationToken cancellationToken);

    public T State
    {
        get
        {
            activation.CheckAccess();
            return _state.State!;
        }

        set
        {
            activation.CheckAccess();
            _state.State = value;
        }
    }

    public string? Etag => _state.ETag;

    public bool RecordExists => _loaded ? _state.RecordExists : throw new InvalidOperationException("State has not yet been loaded.");

    public static PersistentState<T> Create(Activation activation, PersistentStateAttribute attribute)
    {
        var services = activation.ActivationServices;
        var storage = attribute.StorageName is { Length: > 0 } name
            ? services.GetKeyedService<IGrainStorage>(name)
            : services.GetService<IGrainStorage>();
        return new PersistentState<T>(activation, attribute.StateName, storage ?? throw new BadProviderConfigException(
            $"No storage provider named '{attribute.StorageName ?? "Default"}' found loading grain type {activation.GrainId.Type}."));
    }

    public Task LoadAsync(CancellationToken cancellationToken) => ReadStateAsync(cancellationToken);

    public Task ReadStateAsync() => ReadStateAsync(CancellationToken.None);

    public Task ReadStateAsync(CancellationToken cancellationToken) => Queue("Reading", ReadAsync, cancellationToken);

    public Task WriteStateAsync() => WriteStateAsync(CancellationToken.None);

    public Task WriteStateAsync(CancellationToken cancellationToken) =>
        Queue("Writing", token => storage.WriteStateAsync(name, activation.GrainId, _state, token), cancellationToken);

    public Task ClearStateAsync() => ClearStateAsync(CancellationToken.None);

    public Task ClearStateAsync(CancellationToken cancellationToken) =>
        Queue("Clearing", token => storage.ClearStateAsync(name, activation.GrainId, _state, token), cancellationToken);

    private static T Empty() =>
        typeof(T).IsValueType || typeof(T).GetConstructor(Type.EmptyTypes) is not null
            ? Activator.CreateInstance<T>()
            : (T)RuntimeHelpers.GetUninitializedObject(typeof(T));

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        await storage.ReadStateAsync(name, activation.GrainId, _state, cancellationToken);
        _state.State ??= Empty();
        _loaded = true;
    }

    private Task Queue(string what, Operation operation, CancellationToken cancellationToken)
    {
        activation.CheckAccess();
        return _last = RunAfterAsync(_last, what, operation, cancellationToken);
    }

    private async Task RunAfterAsync(Task previous, string what, Operation operation, CancellationToken cancellationToken)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await operation(cancellationToken);
            _state.State ??= Empty();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception) when (exception is not OrleansException)
        {
            throw new OrleansException($"{what} the state '{name}' of {activation.GrainId} failed in {storage.GetType().Name}: {exception.Message}", exception);
        }
    }
}
