using System.Globalization;

namespace OrleansPolicy.Demo.Steps;

/// <summary>A signing key and a trust root, and a key for each of the people of the story.</summary>
internal sealed class MakePeople : IDemoStep
{
    private static readonly (string Name, string Role)[] People = [("ci", "publisher"), ("alice", "operator"), ("bob", "approver")];

    public string Title => "signing key, trust root, people and a fleet";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var admin = world.ControlPlane.AdminKeyFile;
        await world.Tool.RunAsync(admin, cancellationToken, "keygen", "release", "--trust", "trust.json");
        await world.Tool.RunAsync(admin, cancellationToken, "trust", "set", "trust.json");
        foreach (var (name, role) in People)
        {
            await world.Tool.RunAsync(admin, cancellationToken, "key", "create", name, "--role", role, "--out", world.KeyOf(name));
        }

        await world.Tool.RunAsync(world.KeyOf("alice"), cancellationToken, "fleet", "create", DemoWorld.Fleet, "--report-interval", ReportSeconds(world.Options.Agents));
        return $"{string.Join(", ", People.Select(p => $"{p.Name} ({p.Role})"))}; fleet {DemoWorld.Fleet}";
    }

    // At most 500 reports a second: the agents share this machine with the control plane.
    private static string ReportSeconds(int agents) => Math.Clamp(agents / 500.0, 0.5, 7).ToString("0.#", CultureInfo.InvariantCulture);
}
