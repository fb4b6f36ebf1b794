using System.Runtime.CompilerServices;

namespace OrleansPolicy.Silo.Tests;

/// <summary>Files of the repository that tests state something about.</summary>
internal static class Repository
{
    public static string PathOf(string path) => Path.GetFullPath(Path.Combine(Root(), path));

    private static string Root([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..");
}
