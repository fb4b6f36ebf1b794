using System.CommandLine;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl tenant</c>: the isolation units of an installation.</summary>
internal static class TenantCommands
{
    public static Command Create(CliHost host) => new("tenant", "The isolation units of an installation.")
    {
        New(host), List(host),
    };

    private static Command New(CliHost host)
    {
        var name = new Argument<string>("name") { Description = "The tenant." };
        var strict = new Option<bool?>("--strict-bundles") { Description = "Refuse bundles with fields that nothing reads (true or false; of a tenant that is there too)." };
        return new Command("create", "Create a tenant.") { name, strict }.Does(host, async (context, cancellationToken) =>
        {
            await context.Client.CreateTenantAsync(context.Get(name), context.Get(strict), cancellationToken);
            context.Output.Answer(new { Tenant = context.Get(name) }, o => o.Line($"Tenant {context.Get(name)} is there."));
            return ExitCodes.Ok;
        });
    }

    private static Command List(CliHost host) => new Command("ls", "All tenants.").Does(host, async (context, cancellationToken) =>
    {
        var tenants = await context.Client.ListTenantsAsync(cancellationToken);
        context.Output.Answer(tenants, o =>
        {
            foreach (var tenant in tenants)
            {
                o.Line(tenant);
            }
        });
        return ExitCodes.Ok;
    });
}
