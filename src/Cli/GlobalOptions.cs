using System.CommandLine;

namespace OrleansPolicy.Cli;

/// <summary>Options that every command takes.</summary>
internal static class GlobalOptions
{
    public static readonly Option<string?> Server = new("--server", "-s")
    {
        Description = "The control plane's address, or its silos' with commas between (POLICY_SERVER; default http://127.0.0.1:8080).",
        Recursive = true,
        HelpName = "url",
    };

    public static readonly Option<string?> Key = new("--key")
    {
        Description = "The API key (POLICY_KEY). Others on this machine can see a command line: prefer --key-file.",
        Recursive = true,
        HelpName = "key",
    };

    public static readonly Option<string?> KeyFile = new("--key-file")
    {
        Description = "A file with the API key (default: admin.key in POLICY_DATA or .data).",
        Recursive = true,
        HelpName = "file",
    };

    public static readonly Option<string?> Tenant = new("--tenant", "-t")
    {
        Description = "The tenant (POLICY_TENANT; default 'default').",
        Recursive = true,
        HelpName = "name",
    };

    public static readonly Option<bool> Json = new("--json")
    {
        Description = "One JSON document on standard output instead of text; errors as JSON on standard error.",
        Recursive = true,
    };

    public static void AddTo(RootCommand root)
    {
        root.Options.Add(Server);
        root.Options.Add(Key);
        root.Options.Add(KeyFile);
        root.Options.Add(Tenant);
        root.Options.Add(Json);
    }
}
