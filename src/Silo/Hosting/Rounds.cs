namespace OrleansPolicy.Silo.Hosting;

/// <summary>
/// The rounds of a loop that goes on for as long as the process: whatever goes wrong in one, the next one comes, for a loop that ends takes
/// the process with it. Of rounds that fail one after the other the log has the first.
/// </summary>
/// <param name="logger">Where the loop logs.</param>
/// <param name="failing">What is not done while rounds fail: a sentence.</param>
internal sealed class Rounds(ILogger logger, string failing)
{
    private bool _failed;

    /// <summary>One round. Throws <see cref="OperationCanceledException"/> where the process stops, and nothing else.</summary>
    public async Task RunAsync(Func<CancellationToken, Task> round, CancellationToken stoppingToken)
    {
        try
        {
            await round(stoppingToken);
            _failed = false;
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // A database that is away, being restored or of another shape answers with anything: what fails now may succeed in a while.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (!_failed)
            {
                logger.LogWarning(exception, "{Failing}", failing);
            }

            _failed = true;
        }
    }
}
