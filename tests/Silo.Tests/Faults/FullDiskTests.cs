using System.Security.Cryptography;
using Npgsql;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>PostgreSQL's data on a disk that really is full.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    // What a bundle brings with it is random, so that it needs its room.
    private const int BundleBytes = 100_000;
    private const int BundlesMax = 200;

    private readonly TestBundles _bundles = new();
    private SmallDisk _disk = null!;
    private FailingPlane _plane = null!;
    private ApiClient _admin = null!;

    private TenantClient Tenant => new(_admin, "default");

    public async ValueTask InitializeAsync()
    {
        _disk = await SmallDisk.MountAsync();
        _plane = await FailingPlane.StartAsync(hourSeconds: 3600, _disk.DataFolder);
        _admin = new ApiClient(_plane.Address, _plane.AdminKey);
        (await Tenant.PutAsync("/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await Tenant.PutAsync("/trust", _bundles.RootJson)).Expect(200);
        (await PublishAsync(0)).Expect(201);
    }

    public async ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        await (_plane?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_disk?.DisposeAsync() ?? ValueTask.CompletedTask);
        _bundles.Dispose();
    }

    [Fact]
    public async Task What_finds_no_room_leaves_no_trace_and_with_room_again_everything_goes_on()
    {
        await _disk.FillAsync();

        var (published, refused) = await PublishUntilRefusedAsync();

        Assert.True(refused.Code is "store.unwritable" or "store.unavailable", refused.ToString());
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/readyz"))["writable"].GetBoolean(), false);
        Assert.Equal(refused.Code, (await _admin.GetAsync("/readyz")).Code);

        _disk.Free();

        await BackAsync();
        Assert.Equal(published, await EntriesAsync());
        (await Tenant.GetAsync($"/bundles/1.0.{published}")).Expect(404);
        (await PublishAsync(published)).Expect(201);
        Assert.Equal(published + 1, await EntriesAsync());
    }

    [Fact]
    public async Task A_server_that_gave_up_for_want_of_room_for_its_log_comes_back_without_hands()
    {
        await _disk.FillAsync();

        // Nothing can be logged once a new segment is needed: the server stops, and every start fails until there is room.
        await Assert.ThrowsAnyAsync<NpgsqlException>(EndSegmentsAsync);
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/readyz")).Status, 503);
        Assert.Equal("store.unavailable", (await _admin.GetAsync("/readyz")).Code);
        var (published, refused) = await PublishUntilRefusedAsync();
        Assert.Equal((1, 503), (published, refused.Status));

        _disk.Free();

        await BackAsync();
        Assert.Equal(1, await EntriesAsync());
        (await PublishAsync(1)).Expect(201);
    }

    private async Task BackAsync()
    {
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/readyz")).Status, 200, seconds: 60);
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/readyz"))["writable"].GetBoolean(), true);
        await Eventually.BecomesAsync(async () => (await Tenant.GetAsync("/audit/verify")).Status, 200);
        Assert.True((await Tenant.GetAsync("/audit/verify")).Expect(200)["valid"].GetBoolean());
    }

    private async Task<(int Published, ApiAnswer Refused)> PublishUntilRefusedAsync()
    {
        for (var patch = 1; patch < BundlesMax; patch++)
        {
            var answer = await PublishAsync(patch);
            if (answer.Status != 201)
            {
                return (patch, answer.Expect(503));
            }
        }

        throw new InvalidOperationException("The disk is not full.");
    }

    private Task<ApiAnswer> PublishAsync(int patch) => Tenant.PostAsync(
        "/bundles",
        _bundles.Sign(TestBundles.WithoutSignature($"1.0.{patch}", $""","description":"{Convert.ToBase64String(RandomNumberGenerator.GetBytes(BundleBytes))}" """)));

    private async Task<int> EntriesAsync()
    {
        var entries = (await Tenant.GetAsync("/audit?after=0&limit=1000")).Expect(200);
        return entries["entries"].EnumerateArray().Count(entry => entry.GetProperty("action").GetString() == "bundle.published");
    }

    private async Task EndSegmentsAsync()
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_plane.Host.Database.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        for (var segment = 0; segment < 100; segment++)
        {
            await using var command = new NpgsqlCommand("SELECT pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()", connection);
            await command.ExecuteNonQueryAsync();
        }
    }
}
