using YamlDotNet.Core;

namespace OrleansPolicy.Yaml;

/// <summary>Ends the reading of a file with the reason. It does not leave this assembly.</summary>
internal sealed class YamlRefusedException(string code, Mark at, string sentence) : Exception($"Line {at.Line}, column {at.Column}: {sentence}")
{
    public string Code { get; } = code;
}
