using System.CommandLine;

namespace OrleansPolicy.Cli.Commands;

/// <summary>With what something is signed.</summary>
internal static class SigningOptions
{
    private const string PrivateKeyEnding = ".key.pem";

    public static Option<string> KeyFile() => new("--signing-key", "-k")
    {
        Description = "The private key as PEM (keygen writes one).",
        Required = true,
        HelpName = "file",
    };

    public static Option<string?> KeyId() => new("--key-id") { Description = "The key's id in the trust root (default: from the file's name, ID.key.pem)." };

    public static string KeyIdOf(string? given, string file) =>
        given ?? (Path.GetFileName(file) is var name && name.EndsWith(PrivateKeyEnding, StringComparison.Ordinal)
            ? name[..^PrivateKeyEnding.Length]
            : throw CliException.Usage($"The key id does not follow from the file's name '{name}': give --key-id."));
}
