using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Commits;

/// <summary>A grain that caches what the store holds. When the store fails, what it has may be wrong: it goes, and the next call starts anew.</summary>
internal abstract class StoreBackedGrain(ILogger logger) : Grain
{
    /// <summary>Runs a turn; a store that does not answer becomes a failure with <see cref="CommonCodes.StoreUnavailable"/>.</summary>
    protected async Task<Outcome<T>> WithStoreAsync<T>(Func<Task<Outcome<T>>> turn)
    {
        try
        {
            return await turn();
        }
        catch (StoreUnavailableException exception)
        {
            logger.LogWarning(exception, "The store failed; {Grain} trusts nothing that it has of it.", this.GetPrimaryKeyString());
            OnStoreFailure();
            return Unknown<T>("The store did not answer.");
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            // Another grain is moving, or its silo died: its next activation answers.
            logger.LogWarning(exception, "A grain did not answer {Grain}.", this.GetPrimaryKeyString());
            return Unknown<T>("A part of the control plane did not answer.");
        }
    }

    private static Outcome<T> Unknown<T>(string sentence) => Outcome<T>.Fail(
        CommonCodes.StoreUnavailable, sentence + " Whether anything changed is unknown: ask again with the same operation id.");

    /// <summary>Forgets what may be wrong now. Unless a grain knows better, that is everything: it goes.</summary>
    protected virtual void OnStoreFailure() => DeactivateOnIdle();
}
