using System.Data.Common;
using Npgsql;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// Makes every call to the store end: within 5 seconds, with an answer or a <see cref="StoreUnavailableException"/>. A connection
/// that turns out to be dead is no outage (the server was restarted): the call is made once more where that cannot do it twice.
/// </summary>
internal sealed class StoreCalls(NpgsqlDataSource dataSource, WriteHealth? writes = null)
{
    // The first ends a call in good order: the server is told to stop. The second gives up waiting for that.
    private static readonly TimeSpan CancelAfter = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan AbandonAfter = TimeSpan.FromSeconds(4.9);

    /// <summary>A call that changes nothing.</summary>
    public Task<T> ReadAsync<T>(
        string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, CancellationToken, Task<T>> read, CancellationToken cancellationToken) =>
        RunAsync(
            async (_, token) =>
            {
                await using var command = dataSource.CreateCommand(sql);

                // A parameter belongs to one command; a second try makes another.
                Array.ForEach(parameters, parameter => command.Parameters.Add(parameter.Clone()));
                await using var reader = await command.ExecuteReaderAsync(token);
                return await read(reader, token);
            },
            cancellationToken);

    /// <summary>Any call. The attempt says from when on it may have taken effect.</summary>
    public async Task<T> RunAsync<T>(Func<StoreAttempt, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(CancelAfter);
        var running = RepeatOnceAsync(call, timeout.Token);
        try
        {
            return await running.WaitAsync(AbandonAfter, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            Abandon(running);
            throw new StoreUnavailableException("The database did not answer in time.", e);
        }
        catch (Exception e) when (IsOutage(e))
        {
            writes?.Note(e);
            throw new StoreUnavailableException($"The database cannot be used: {e.Message}", e);
        }
    }

    private async Task<T> RepeatOnceAsync<T>(Func<StoreAttempt, CancellationToken, Task<T>> call, CancellationToken token)
    {
        var attempt = new StoreAttempt();
        try
        {
            return await call(attempt, token);
        }
        catch (Exception e) when (!token.IsCancellationRequested && IsWorthRepeating(e, attempt))
        {
            // The others that were idle are as dead as this one.
            dataSource.Clear();
            return await call(new StoreAttempt(), token);
        }
    }

    private static bool IsWorthRepeating(Exception e, StoreAttempt attempt) => e switch
    {
        // The transaction is known to be gone.
        PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure } => true,
        PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown } => !attempt.MayHaveTakenEffect,
        PostgresException => false,
        NpgsqlException { InnerException: not TimeoutException } or IOException => !attempt.MayHaveTakenEffect,
        _ => false,
    };

    /// <summary>
    /// Everything but our own mistakes: data that does not fit (class 22), a constraint without an answer of its own (23), SQL that
    /// is wrong (42). The classes of out of disk, read-only, shutting down, cancelled and out of connections are among the outages.
    /// </summary>
    private static bool IsOutage(Exception e) => e switch
    {
        PostgresException { SqlState: { } state } => IsNotReady(state) || state is not (['2', '2' or '3', ..] or ['4', '2', ..]),
        DbException or IOException or System.Net.Sockets.SocketException => true,

        // The pool was closed under the call: the process is ending.
        ObjectDisposedException => true,
        _ => false,
    };

    /// <summary>
    /// The SQL was right when it was tried on our schema: the database is being restored (without a table, a column of a later step, a
    /// function, the index that an ON CONFLICT needs), or its user lost a right. Both pass, and nothing was written.
    /// </summary>
    private static bool IsNotReady(string state) => state is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn
        or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.InvalidColumnReference or PostgresErrorCodes.InsufficientPrivilege;

    private static void Abandon(Task running) =>
        running.ContinueWith(
            static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}

/// <summary>One try of a call that changes something.</summary>
internal sealed class StoreAttempt
{
    /// <summary>
    /// Set just before the commit is sent, where a second try could not tell that it took effect: from there on a failure leaves the outcome
    /// unknown.
    /// </summary>
    public bool MayHaveTakenEffect { get; set; }
}
