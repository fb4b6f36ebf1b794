using System.Security.Cryptography;
using System.Text;

namespace OrleansPolicy.Client;

/// <summary>What of a context must not be known outside the process, and what stands for it.</summary>
internal sealed class ContextMask
{
    /// <summary>What stands for a value is so long, in bytes.</summary>
    public const int HashLength = 5 + (2 * HashBytesKept);

    private const int HashBytesKept = 16;

    private const string RootName = "context";

    private readonly byte[] _secret;

    private ContextMask(string? secret)
    {
        _secret = secret is null ? RandomNumberGenerator.GetBytes(32) : Encoding.UTF8.GetBytes(secret);
    }

    public enum Treatment
    {
        Keep,
        Hash,
        Drop,
    }

    /// <summary>The context itself, in which the paths begin.</summary>
    public Member Root { get; } = new(RootName);

    /// <summary>Null: everything may be known.</summary>
    public static ContextMask? For(DecisionLogOptions options)
    {
        if (options.DropPaths.Count == 0 && options.HashPaths.Count == 0)
        {
            return null;
        }

        var mask = new ContextMask(options.HashSecret);
        mask.Add(options.HashPaths, Treatment.Hash);
        mask.Add(options.DropPaths, Treatment.Drop);
        return mask;
    }

    /// <summary>What is no path, for a person; null: all are.</summary>
    public static string? FindProblem(IReadOnlyList<string> paths) =>
        paths.FirstOrDefault(path => path is null || path.Split('.') is not [RootName, _, ..] parts || parts.Contains("")) is { } wrong
            ? $"A path to mask looks like context.subject.token, not '{wrong}'."
            : null;

    /// <summary>Puts what stands for a value, <see cref="HashLength"/> bytes, in its place.</summary>
    public void Hash(ReadOnlySpan<byte> value, Span<byte> text)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_secret, value, hash);
        "hmac:"u8.CopyTo(text);
        Convert.TryToHexStringLower(hash[..HashBytesKept], text[5..], out _);
    }

    private void Add(IReadOnlyList<string> paths, Treatment treatment)
    {
        foreach (var path in paths)
        {
            var at = Root;
            foreach (var name in path.Split('.').Skip(1))
            {
                var next = at.Members.Find(member => member.Name == name);
                if (next is null)
                {
                    at.Members.Add(next = new Member(name));
                }

                at = next;
            }

            at.Treatment = treatment;
        }
    }

    /// <summary>A name that is on the way to something masked, or masked itself.</summary>
    public sealed class Member(string name)
    {
        public string Name => name;

        public byte[] Utf8 { get; } = Encoding.UTF8.GetBytes(name);

        public Treatment Treatment { get; set; }

        public List<Member> Members { get; } = [];
    }
}
