using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using OrleansPolicy.Admission;
using OrleansPolicy.Benchmarks.Faults;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Benchmarks;

/// <summary>A control plane with the gateway example published, an update limit that does not hinder, and an admin.</summary>
internal sealed class Installation : IAsyncDisposable
{
    // At most 500 reports a second from 1,000 agents: they share this machine with the control plane.
    private const double ReportIntervalSec = 2;

    private static readonly string[] Criteria = ["error_rate < 0.01"];
    private readonly string[] _data;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private Installation(double? hourSeconds, OwnDatabase? database, int silos, SiloNetwork? network)
    {
        Database = database;
        _data = [.. Enumerable.Range(0, silos).Select(_ => ControlPlane.NewDataFolder())];
        Silos = [.. _data.Select((data, silo) => new ControlPlane(data, hourSeconds, database?.ConnectionString, joins: silos > 1, network?.Places[silo]))];
    }

    /// <summary>All silos.</summary>
    public ImmutableArray<ControlPlane> Silos { get; }

    /// <summary>The only one, or the first.</summary>
    public ControlPlane ControlPlane => Silos[0];

    /// <summary>What stands before the silos; null: nothing.</summary>
    public LoadBalancer? Balancer { get; private set; }

    /// <summary>Where nodes and the admin find them.</summary>
    public ImmutableArray<Uri> Addresses => Balancer is { } front ? [front.Address] : [.. Silos.Select(silo => silo.Address)];

    /// <summary>Its database, where that can be stopped by itself.</summary>
    public OwnDatabase? Database { get; }

    public PolicyClient Admin { get; private set; } = null!;

    public TrustRoot Root { get; private set; } = null!;

    public string V1 { get; private set; } = "";

    public string V2 { get; private set; } = "";

    /// <summary>Starts it in a new data folder, which it removes at its end.</summary>
    /// <param name="hourSeconds">How long a contract hour lasts; null: an hour.</param>
    /// <param name="database">Its database, which it stops at its end; null: a private one of the control plane.</param>
    /// <param name="silos">How many silos; several need a database of their own and the engine Orleans.</param>
    /// <param name="network">On what network the silos and their database are; null: this machine's own.</param>
    /// <param name="balanced">Whether nodes and the admin know a load balancer alone.</param>
    public static async Task<Installation> StartAsync(
        double? hourSeconds = null, OwnDatabase? database = null, int silos = 1, SiloNetwork? network = null, bool balanced = false)
    {
        var made = new Installation(hourSeconds, database, silos, network);
        try
        {
            // The first one makes the admin key.
            await made.ControlPlane.StartAsync();
            await Task.WhenAll(made.Silos.Skip(1).Select(silo => silo.StartAsync()));
            made.Balancer = balanced ? await LoadBalancer.CreateAsync(made.Addresses) : null;
            await made.PrepareAsync(made.Addresses, made.ControlPlane.AdminKey);
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same in a control plane that somebody else started and ends.</summary>
    public static async Task<Installation> AtAsync(Uri address, string adminKey)
    {
        var made = new Installation(hourSeconds: null, database: null, silos: 0, network: null);
        await made.PrepareAsync([address], adminKey);
        return made;
    }

    public static string NameOf(int index) => $"gateway-{index:D5}";

    public static NodeRegistration[] Registrations(int nodes) =>
        [.. Enumerable.Range(0, nodes).Select(i => new NodeRegistration { Node = NameOf(i), FailureDomain = $"zone-{i % 4}" })];

    /// <summary>A fleet whose nodes are registered and whose first bundle is v1.</summary>
    public async Task AddFleetAsync(string fleet, int nodes, double reportIntervalSec = ReportIntervalSec)
    {
        await Admin.ConfigureFleetAsync(fleet, new FleetSettings { ReportIntervalSec = reportIntervalSec });
        foreach (var some in Registrations(nodes).Chunk(RegistrationRules.BatchMax))
        {
            await Admin.RegisterNodesAsync(fleet, some);
        }

        await Admin.SetBaselineAsync(fleet, V1, "benchmark");
    }

    /// <summary>Publishes v2, once the fleets have v1: nobody is given the older of two as its first.</summary>
    public async Task PublishNextAsync() => V2 = await PublishAsync(GatewayExample.NextPolicyJson);

    /// <summary>Starts to bring v2 to a fleet: to a quarter of it for an hour, then to all of it.</summary>
    /// <param name="fleet">The fleet.</param>
    /// <param name="hoursAtAll">How long it stays at all of it before it is complete: by default longer than anybody waits.</param>
    public Task<RolloutView> RollOutAsync(string fleet, int hoursAtAll = 8_000) =>
        Admin.StartRolloutAsync(new NewRollout { Fleet = fleet, Ref = V2, RolloutWedge = QuarterThenAll(hoursAtAll), Reason = "benchmark" });

    /// <summary>Waits until a rollout is as wanted.</summary>
    public async Task<RolloutView> UntilAsync(string rolloutId, Func<RolloutView, bool> holds)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (true)
        {
            var view = await Admin.GetRolloutAsync(rolloutId, patience.Token);
            if (holds(view))
            {
                return view;
            }

            await Task.Delay(100, patience.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Admin?.Dispose();
        await (Balancer?.DisposeAsync() ?? ValueTask.CompletedTask);
        await Task.WhenAll(Silos.Select(silo => silo.DisposeAsync().AsTask()));
        await (Database?.DisposeAsync() ?? ValueTask.CompletedTask);
        _key.Dispose();
        Array.ForEach(_data, data => Directory.Delete(data, recursive: true));
    }

    private async Task PrepareAsync(ImmutableArray<Uri> addresses, string adminKey)
    {
        Admin = new PolicyClient(new PolicyClientOptions
        {
            Servers = addresses,
            ApiKey = adminKey,
            MaxAttempts = 50,
            Backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200)),
        });
        await Admin.ConfigureAdmissionAsync(new UpdateLimits(60_000, 0));
        Root = new TrustRoot { Keys = [new TrustKey("bench", SignatureAlgorithm.EcdsaKey, _key.ExportSubjectPublicKeyInfoPem())] };
        await Admin.SetTrustAsync(Root);
        V1 = await PublishAsync(GatewayExample.PolicyJson);
    }

    private async Task<string> PublishAsync(byte[] bundle) => (await Admin.PublishAsync(BundleSigner.Sign(bundle, "bench", _key))).PolicyHash;

    private static JsonElement QuarterThenAll(int hoursAtAll) => JsonSerializer.SerializeToElement(new
    {
        wedge_stages = new[] { Stage("quarter", 25, 1), Stage("all", 100, hoursAtAll) },
        initial_percentage = 25,
        increment_policy = "linear",
        max_blast_radius = 100,
        observation_window_hours = 1,
    });

    private static object Stage(string id, int percentage, int hours) => new
    {
        stage_id = id,
        target_percentage = percentage,
        duration_hours = hours,
        success_criteria = Criteria,
        rollback_trigger = "error_rate > 0.05",
    };
}
