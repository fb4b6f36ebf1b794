using System.Buffers;

namespace OrleansPolicy.Bundles;

/// <summary>A growing run of rented bytes that can also be cut back, which the framework's buffer writers cannot.</summary>
internal sealed class ByteBuffer(int capacity) : IDisposable
{
    private byte[] bytes = ArrayPool<byte>.Shared.Rent(Math.Max(capacity, 256));

    public int Count { get; private set; }

    public ReadOnlySpan<byte> this[int start, int length] => bytes.AsSpan(start, length);

    /// <summary>All that was added; it lasts until more is, or the buffer is disposed of.</summary>
    public ReadOnlyMemory<byte> Written => bytes.AsMemory(0, Count);

    public void Add(byte value)
    {
        Reserve(1)[0] = value;
        Count++;
    }

    public void Add(ReadOnlySpan<byte> values)
    {
        values.CopyTo(Reserve(values.Length));
        Count += values.Length;
    }

    /// <summary>Room for at least this many bytes after the last one; <see cref="Advance"/> says how many were used.</summary>
    public Span<byte> Reserve(int length)
    {
        if (bytes.Length - Count < length)
        {
            Grow(length);
        }

        return bytes.AsSpan(Count);
    }

    public void Advance(int length) => Count += length;

    public void CutTo(int count) => Count = count;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
        Count = 0;
    }

    private void Grow(int length)
    {
        var larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(bytes.Length * 2, Count + length)));
        bytes.AsSpan(0, Count).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = larger;
    }
}
