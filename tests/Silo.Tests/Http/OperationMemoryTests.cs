using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Tests.Http;

public sealed class OperationMemoryTests
{
    private const int Mebibyte = 1024 * 1024;
    private readonly OperationMemory _memory = new(TimeProvider.System);

    [Fact]
    public void A_key_with_many_calls_pushes_out_its_own_oldest_and_nothing_of_another()
    {
        _memory.Remember("a", "made", "hash", Answer(300));

        for (var n = 0; n < 10_000; n++)
        {
            _memory.Remember("b", $"{n}", "hash", Answer(10));
        }

        Assert.NotNull(_memory.Find("a", "made")?.Answer);
        Assert.NotNull(_memory.Find("b", "9999")?.Answer);
        Assert.NotNull(_memory.Find("b", $"{10_000 - OperationMemory.OperationsOfKeyMax}"));
        Assert.Null(_memory.Find("b", $"{9_999 - OperationMemory.OperationsOfKeyMax}"));
    }

    [Fact]
    public void Large_answers_to_small_requests_are_bounded_and_who_has_most_gives_first()
    {
        _memory.Remember("a", "made", "hash", Answer(300));
        var answer = Answer(Mebibyte);

        foreach (var key in Enumerable.Range(0, 20))
        {
            for (var n = 0; n < 10; n++)
            {
                _memory.Remember($"k{key}", $"{n}", "hash", answer);
                Assert.InRange(_memory.Bytes, 1, OperationMemory.BytesMax);
            }
        }

        Assert.InRange(_memory.Bytes, OperationMemory.BytesMax - (2 * Mebibyte), OperationMemory.BytesMax);
        Assert.NotNull(_memory.Find("a", "made")?.Answer);
        Assert.Null(_memory.Find("k0", "0"));
        Assert.NotNull(_memory.Find("k19", "9")?.Answer);
    }

    [Fact]
    public void Of_an_answer_that_is_too_large_or_of_its_moment_only_what_was_asked_is_remembered()
    {
        _memory.Remember("a", "large", "hash-1", Answer(OperationMemory.AnswerBytesMax + 1));
        _memory.Remember("a", "moment", "hash-2", null);

        Assert.Equal(("hash-1", true), (_memory.Find("a", "large")!.RequestHash, _memory.Find("a", "large")!.Answer is null));
        Assert.Equal(("hash-2", true), (_memory.Find("a", "moment")!.RequestHash, _memory.Find("a", "moment")!.Answer is null));
        Assert.InRange(_memory.Bytes, 1, Mebibyte);
    }

    [Fact]
    public void An_id_that_is_used_again_is_counted_once()
    {
        _memory.Remember("a", "same", "hash-1", Answer(Mebibyte));
        var once = _memory.Bytes;
        _memory.Remember("a", "same", "hash-2", Answer(Mebibyte));

        Assert.Equal((once, "hash-2"), (_memory.Bytes, _memory.Find("a", "same")!.RequestHash));
    }

    private static WrittenAnswer Answer(int bytes) => new(new byte[bytes], 200);
}
