using System.Text;
using System.Text.Json;
using YamlDotNet.Core;

namespace OrleansPolicy.Yaml;

/// <summary>
/// YAML as JSON: one document, types by the core schema of YAML 1.2 (<c>no</c> is text, <c>010</c> is ten), the members in their order.
/// The same file gives the same bytes everywhere. What has no plain meaning in JSON is refused: tags, keys that are no text, keys twice,
/// numbers that are none, merge keys. Anchors are expanded, within a bound on what comes out.
/// </summary>
public static class YamlJson
{
    /// <summary>The largest file.</summary>
    public const int BytesMax = 4 * 1024 * 1024;

    /// <summary>How deep values may lie in each other.</summary>
    public const int DepthMax = 60;

    /// <summary>How many values may come out, those of anchors counted each time they are named.</summary>
    public const int ValuesMax = 200_000;

    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The JSON. Fails with <c>yaml.*</c>, with line and column in the sentence.</summary>
    public static Outcome<byte[]> Convert(ReadOnlyMemory<byte> yaml)
    {
        if (yaml.Length > BytesMax)
        {
            return Outcome<byte[]>.Fail("yaml.too_large", $"The file is larger than {BytesMax} bytes.");
        }

        try
        {
            var text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(yaml.Span);
            var value = new YamlReader(text).Read();
            return Outcome<byte[]>.Ok(JsonSerializer.SerializeToUtf8Bytes(value, Plain));
        }
        catch (YamlRefusedException refused)
        {
            return Outcome<byte[]>.Fail(refused.Code, refused.Message);
        }
        catch (YamlException malformed)
        {
            return Outcome<byte[]>.Fail("yaml.malformed", $"Line {malformed.Start.Line}, column {malformed.Start.Column}: {malformed.Message}");
        }
        catch (DecoderFallbackException)
        {
            return Outcome<byte[]>.Fail("yaml.malformed", "The file is no UTF-8.");
        }
    }

    /// <summary>Whether a file's name says that it holds YAML.</summary>
    public static bool IsYamlName(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".yml", StringComparison.OrdinalIgnoreCase);
    }
}
