using System.CommandLine;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl key</c>: API keys.</summary>
internal static class KeyCommands
{
    public static Command Create(CliHost host) => new("key", "API keys.")
    {
        New(host), List(host), Revoke(host),
    };

    private static Option<bool> InstallationOption() => new("--installation")
    {
        Description = "Keys of the installation instead of the tenant's; for installation admins. Their role is admin.",
    };

    private static Command New(CliHost host)
    {
        var installation = InstallationOption();
        var name = new Argument<string>("name") { Description = "A name for people." };
        var role = new Option<string>("--role") { Description = "What it may do.", Required = true };
        role.AcceptOnlyFromAmong("viewer", "publisher", "operator", "approver", "relay", "node", "admin");
        var subject = new Option<string?>("--subject") { Description = "The person or program it belongs to (default: the name)." };
        var fleet = new Option<string?>("--fleet") { Description = "For relay and node: the one fleet it acts for." };
        var node = new Option<string?>("--node") { Description = "For node: the one node it acts for." };
        var days = new Option<double?>("--days") { Description = "Days after which it stops working (default: never)." };
        var target = new Option<string?>("--out", "-o") { Description = "Write the secret to a file that only you can read, instead of showing it." };
        return new Command("create", "Make a key. Its secret is shown this once.") { name, role, subject, fleet, node, days, target, installation }
            .Does(host, async (context, cancellationToken) =>
            {
                var key = new NewKey
                {
                    Name = context.Get(name),
                    Subject = context.Get(subject) ?? context.Get(name),
                    Role = context.Required(role),
                    Fleet = context.Get(fleet),
                    Node = context.Get(node),
                    ExpiresAt = context.Get(days) is { } d ? DateTimeOffset.UtcNow.AddDays(d) : null,
                };
                var made = context.Get(installation)
                    ? await context.Client.CreateInstallationKeyAsync(key, null, cancellationToken)
                    : await context.Client.CreateKeyAsync(key, null, cancellationToken);
                if (context.Get(target) is { } path)
                {
                    await CliFiles.WriteSecretAsync(path, made.Key + "\n", replace: true, cancellationToken);
                    context.Output.Answer(new { made.Id, File = path }, o => o.Facts(("id", made.Id), ("secret in", path)));
                    return ExitCodes.Ok;
                }

                context.Output.Answer(made, o => o.Facts(("id", made.Id), ("key", made.Key)));
                return ExitCodes.Ok;
            });
    }

    private static Command List(CliHost host)
    {
        var installation = InstallationOption();
        return new Command("ls", "The tenant's keys, or the installation's.") { installation }.Does(host, async (context, cancellationToken) =>
        {
            var keys = context.Get(installation)
                ? await context.Client.ListInstallationKeysAsync(cancellationToken)
                : await context.Client.ListKeysAsync(cancellationToken);
            context.Output.Answer(keys, o =>
            {
                var table = Show.Table("id", "name", "subject", "role", "fleet", "node", "made", "expires");
                foreach (var k in keys)
                {
                    table.Row(k.Id, k.Name, k.Subject, k.Role, k.Fleet, k.Node, Show.Time(k.CreatedAt), Show.Time(k.ExpiresAt));
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static Command Revoke(CliHost host)
    {
        var id = new Argument<string>("id") { Description = "The key's id." };
        var installation = InstallationOption();
        return new Command("revoke", "Take a key back; it stops working within 2 s.") { id, installation }.Does(host, async (context, cancellationToken) =>
        {
            await (context.Get(installation)
                ? context.Client.RevokeInstallationKeyAsync(context.Get(id), cancellationToken)
                : context.Client.RevokeKeyAsync(context.Get(id), cancellationToken));
            context.Output.Answer(new { Revoked = context.Get(id) }, o => o.Line($"{context.Get(id)} is revoked."));
            return ExitCodes.Ok;
        });
    }
}
