using System.Collections.Immutable;
using Orleans.Storage;

namespace OrleansPolicy.Embedded.Tests.Grains;

public sealed record Note(string Text, ImmutableArray<int> Numbers, DateTimeOffset At);

public sealed class Notebook
{
    public List<Note> Notes { get; set; } = [];

    public Note? Last { get; set; }
}

[Alias("test.state")]
public interface IStateGrain : IGrainWithStringKey
{
    /// <summary>Writes; answers how many there are and the new tag.</summary>
    Task<(int Count, string? ETag)> AddAsync(Note note);

    Task<ImmutableArray<Note>> GetAsync();

    Task<(bool Exists, string? ETag)> RecordAsync();

    Task ClearAsync();

    Task RereadAsync();

    Task<string> WhoAsync();

    Task EndAsync();

    /// <summary>Adds and keeps to itself.</summary>
    Task AddWithoutWritingAsync(Note note);

    /// <summary>Whether its state refuses code outside of its turns.</summary>
    Task<bool> RefusesStrangersAsync();
}

/// <summary>The same in another class with the same state name.</summary>
[Alias("test.other-state")]
public interface IOtherStateGrain : IStateGrain;

/// <summary>Kept in the storage that the test chooses by the name "chosen".</summary>
public abstract class StateGrainOf(IPersistentState<Notebook> book) : Grain, IStateGrain
{
    private readonly string _life = Guid.NewGuid().ToString("N");

    public async Task<(int Count, string? ETag)> AddAsync(Note note)
    {
        book.State.Notes.Add(note);
        book.State.Last = note;
        await book.WriteStateAsync();
        return (book.State.Notes.Count, book.Etag);
    }

    public Task<ImmutableArray<Note>> GetAsync() => Task.FromResult(book.State.Notes.ToImmutableArray());

    public Task<(bool Exists, string? ETag)> RecordAsync() => Task.FromResult((book.RecordExists, book.Etag));

    public Task ClearAsync() => book.ClearStateAsync();

    public Task RereadAsync() => book.ReadStateAsync();

    public Task<string> WhoAsync() => Task.FromResult(_life);

    public Task EndAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task AddWithoutWritingAsync(Note note)
    {
        book.State.Notes.Add(note);
        return Task.CompletedTask;
    }

    public async Task<bool> RefusesStrangersAsync()
    {
        try
        {
            await Task.Run(() => book.State.Notes.Count);
            return false;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }
}

[GrainType("test-state")]
public sealed class StateGrain([PersistentState("notes", "chosen")] IPersistentState<Notebook> book) : StateGrainOf(book);

[GrainType("test-other-state")]
public sealed class OtherStateGrain([PersistentState("notes", "chosen")] IPersistentState<Notebook> book)
    : StateGrainOf(book), IOtherStateGrain;

[Alias("test.two-states")]
public interface ITwoStatesGrain : IGrainWithStringKey
{
    Task SetAsync(string one, string two);

    Task<(string First, string Second)> GetAsync();

    Task EndAsync();
}

/// <summary>Two states of one type, and one of a type without an empty constructor.</summary>
public sealed class TwoStatesGrain(
    [PersistentState("first", "chosen")] IPersistentState<Notebook> first,
    TimeProvider time,
    [PersistentState("second", "chosen")] IPersistentState<Notebook> second,
    [PersistentState("third", "chosen")] IPersistentState<Note> third) : Grain, ITwoStatesGrain
{
    public async Task SetAsync(string one, string two)
    {
        first.State.Last = new Note(one, [1], time.GetUtcNow());
        second.State.Last = new Note(two, [2], time.GetUtcNow());
        third.State = new Note("third", [3], time.GetUtcNow());
        await Task.WhenAll(first.WriteStateAsync(), second.WriteStateAsync(), third.WriteStateAsync());
    }

    public Task<(string First, string Second)> GetAsync() =>
        Task.FromResult((first.State.Last?.Text ?? "", (second.State.Last?.Text ?? "") + third.State.Text));

    public Task EndAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}

/// <summary>A storage that fails when told to. Registered by tests under the name "chosen".</summary>
public sealed class FailingStorage : IGrainStorage
{
    public bool FailsReading { get; set; }

    public Exception? WritingException { get; set; }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        FailsReading ? throw new IOException("the disk is on fire") : Task.CompletedTask;

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WritingException is null ? Task.CompletedTask : throw WritingException;

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => Task.CompletedTask;
}
