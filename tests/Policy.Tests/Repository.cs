using System.Runtime.CompilerServices;

namespace OrleansPolicy.Policy.Tests;

/// <summary>Reads files of the repository that tests state something about.</summary>
internal static class Repository
{
    public static byte[] Read(string path) => File.ReadAllBytes(Path.Combine(Root(), path));

    public static IEnumerable<string> SourcesUnder(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root(), folder), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText);

    private static string Root([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..");
}
