using Microsoft.Extensions.Logging;
using OrleansPolicy.Silo.Hosting;

namespace OrleansPolicy.Silo.Tests.Hosting;

/// <summary>What keeps a loop of the silo going.</summary>
public sealed class RoundsTests
{
    [Fact]
    public async Task A_loop_outlives_whatever_a_round_throws_and_the_log_has_the_first_of_each_row_of_failures()
    {
        var log = new HeardLog();
        var rounds = new Rounds(log, "Nothing is read.");
        using var canceled = new CancellationTokenSource();
        await canceled.CancelAsync();

        await rounds.RunAsync(_ => throw new InvalidDataException("1"), CancellationToken.None);
        await rounds.RunAsync(_ => Task.FromException(new TimeoutException("2")), CancellationToken.None);

        // Another's cancellation is a failure like any other.
        await rounds.RunAsync(_ => Task.FromCanceled(canceled.Token), CancellationToken.None);
        Assert.Equal(["Warning: Nothing is read. (1)"], log.Lines);

        await rounds.RunAsync(_ => Task.CompletedTask, CancellationToken.None);
        await rounds.RunAsync(_ => throw new InvalidDataException("3"), CancellationToken.None);
        Assert.Equal(["Warning: Nothing is read. (1)", "Warning: Nothing is read. (3)"], log.Lines);
    }

    [Fact]
    public async Task A_loop_ends_when_the_process_stops()
    {
        var log = new HeardLog();
        using var stopping = new CancellationTokenSource();
        await stopping.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new Rounds(log, "Nothing is read.").RunAsync(token => Task.FromCanceled(token), stopping.Token));

        Assert.Empty(log.Lines);
    }

    private sealed class HeardLog : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel}: {formatter(state, exception)} ({exception?.Message})");
    }
}
