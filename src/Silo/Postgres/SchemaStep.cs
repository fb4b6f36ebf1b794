using System.Collections.Immutable;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>One file of the schema.</summary>
/// <param name="Name">Its name under <c>deploy/postgres</c>, such as <c>policy-001.sql</c>.</param>
/// <param name="Sql">What it does.</param>
public sealed record SchemaStep(string Name, string Sql)
{
    private const string ResourcePrefix = "schema/";
    private const string OwnPrefix = "policy-";

    /// <summary>
    /// Whether the file is written to be run again whenever it changed (the engine's tables and queries). Our own steps are
    /// numbered, run once, and never change: a change is a further step.
    /// </summary>
    public bool IsRepeatable => !IsOwn(Name);

    /// <summary>Lower-case hex SHA-256 of the text.</summary>
    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));

    /// <summary>The steps that came with this program, in the order in which they are applied: by name.</summary>
    public static ImmutableArray<SchemaStep> Embedded()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return
        [
            .. assembly.GetManifestResourceNames()
                .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name => new SchemaStep(name[ResourcePrefix.Length..], Read(assembly, name))),
        ];
    }

    internal static bool IsOwn(string name) => name.StartsWith(OwnPrefix, StringComparison.Ordinal);

    private static string Read(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
