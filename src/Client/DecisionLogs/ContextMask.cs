using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Client;

/// <summary>Writes a context without what must not be known outside the process.</summary>
internal sealed class ContextMask
{
    private const string Root = "context";

    private readonly Member _root = new(Root);
    private readonly byte[] _secret;

    private ContextMask(string? secret)
    {
        _secret = secret is null ? RandomNumberGenerator.GetBytes(32) : Encoding.UTF8.GetBytes(secret);
    }

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
        paths.FirstOrDefault(path => path is null || path.Split('.') is not [Root, _, ..] parts || parts.Contains("")) is { } wrong
            ? $"A path to mask looks like context.subject.token, not '{wrong}'."
            : null;

    /// <summary>Writes what is left of an object.</summary>
    public void Write(Utf8JsonWriter json, JsonElement context) => Write(json, context, _root);

    private void Add(IReadOnlyList<string> paths, Treatment treatment)
    {
        foreach (var path in paths)
        {
            var at = _root;
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

    private void Write(Utf8JsonWriter json, JsonElement value, Member mask)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in value.EnumerateObject())
                {
                    WriteProperty(json, property, mask);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var element in value.EnumerateArray())
                {
                    Write(json, element, mask);
                }

                json.WriteEndArray();
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    private void WriteProperty(Utf8JsonWriter json, JsonProperty property, Member mask)
    {
        foreach (var member in mask.Members)
        {
            if (!property.NameEquals(member.Name))
            {
                continue;
            }

            if (member.Treatment != Treatment.Drop)
            {
                json.WritePropertyName(member.Encoded);
                if (member.Treatment == Treatment.Hash)
                {
                    json.WriteStringValue(Hash(property.Value));
                }
                else
                {
                    Write(json, property.Value, member);
                }
            }

            return;
        }

        property.WriteTo(json);
    }

    private string Hash(JsonElement value)
    {
        // Texts by their characters, whatever their escapes; of what is no single value, the bytes as they came.
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes(text), hash);
        return "hmac:" + Convert.ToHexStringLower(hash[..16]);
    }

    private enum Treatment
    {
        Keep,
        Hash,
        Drop,
    }

    private sealed class Member(string name)
    {
        public string Name => name;

        public JsonEncodedText Encoded { get; } = JsonEncodedText.Encode(name, PolicyJson.Options.Encoder);

        public Treatment Treatment { get; set; }

        public List<Member> Members { get; } = [];
    }
}
