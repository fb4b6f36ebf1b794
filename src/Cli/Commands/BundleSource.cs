using System.CommandLine;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Cli.Commands;

/// <summary>A bundle that is read to be looked at: a file, or what the control plane holds under a reference. Its signatures are not verified.</summary>
internal static class BundleSource
{
    public static Argument<string> FileArgument(string name = "file") => new(name) { Description = "A bundle as JSON, signed or not, ours or unison's; - is standard input." };

    public static Argument<string> Argument(string name) => new(name)
    {
        Description = "A bundle's file; where there is none of that name, a hash, a version, tag:NAME or tag:NAME@FLEET on the control plane.",
    };

    /// <summary>A file wins over a reference.</summary>
    public static async Task<Bundle> ReadAsync(CliContext context, string fileOrReference, CancellationToken cancellationToken) =>
        fileOrReference == "-" || File.Exists(fileOrReference)
            ? await ReadFileAsync(context, fileOrReference, cancellationToken)
            : Read(await ReadReferenceAsync(context, fileOrReference, cancellationToken), fileOrReference);

    public static async Task<Bundle> ReadFileAsync(CliContext context, string file, CancellationToken cancellationToken) =>
        Read(await CliFiles.ReadAsync(file, context.Host, cancellationToken), file);

    private static async Task<byte[]> ReadReferenceAsync(CliContext context, string reference, CancellationToken cancellationToken) =>
        LooksLikeFile(reference)
            ? throw CliException.File($"{reference} cannot be read: there is no such file.")
            : await context.Client.GetContentAsync(reference, cancellationToken);

    // No reference has a slash or ends like a file: a slip in a path is not asked of the control plane.
    private static bool LooksLikeFile(string text) =>
        text.Contains('/') || text.Contains('\\') || text.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    private static Bundle Read(byte[] json, string name)
    {
        var bundle = BundleReader.Read(json, BundleReadOptions.ForTrial);
        return bundle.Succeeded ? bundle.Value : throw new InvalidInputException("cli.bundle_invalid", $"{name} is no valid bundle.", bundle.Problems);
    }
}
