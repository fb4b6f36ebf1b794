using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Tests.Contracts;

/// <summary>Bundles, tags, trust roots, keys and audit entries are found again.</summary>
public abstract class ReadContract : StoreContract
{
    [Fact]
    public async Task A_bundle_is_found_by_hash_version_and_tag()
    {
        await MakeTenantAsync();
        await CommitAsync(Change() with { Bundle = Bundle('a', "1.0.0") });
        await CommitAsync(Change() with { Bundle = Bundle('b', "2.0.0-rc.1+build") });
        await CommitAsync(Change() with { Tags = [Tag("golden", "edge", 'a'), Tag("golden", "core", 'b'), Tag("stable", null, 'b')] });
        await CommitAsync(Change() with { Tags = [Tag("stable", null, 'a'), Tag("golden", "edge", 'b')] });

        async Task<string?> FindAsync(string reference) => (await Store.Catalog.FindBundleAsync(Tenant, reference))?.Version;

        Assert.Equal("1.0.0", await FindAsync(new string('a', 64)));
        Assert.Equal("2.0.0-rc.1+build", await FindAsync("2.0.0-rc.1+build"));
        Assert.Equal("1.0.0", await FindAsync("tag:stable"));
        Assert.Equal("2.0.0-rc.1+build", await FindAsync("tag:golden@edge"));
        Assert.Equal("2.0.0-rc.1+build", await FindAsync("tag:golden@core"));
        Assert.All(
            await Task.WhenAll(new[] { new string('c', 64), "3.0.0", "tag:none", "tag:golden", "tag:stable@edge", "", "tag:", "1.0" }.Select(FindAsync)),
            Assert.Null);
        Assert.Null(await Store.Catalog.FindBundleAsync("another-" + Tenant, "1.0.0"));
        Assert.Equal(["2.0.0-rc.1+build", "1.0.0"], (await Store.Catalog.ListBundlesAsync(Tenant, 10)).Select(bundle => bundle.Version));
        Assert.Single(await Store.Catalog.ListBundlesAsync(Tenant, 1));
        AssertSame(
            [Tag("golden", "edge", 'b'), Tag("stable", null, 'a'), Tag("stable", null, 'b'), Tag("golden", "core", 'b'), Tag("golden", "edge", 'a')],
            (await Store.Catalog.ListTagsAsync(Tenant)).ToArray());
    }

    [Fact]
    public async Task Content_comes_back_byte_for_byte()
    {
        await MakeTenantAsync();
        var content = new byte[300_000];
        new Random(7).NextBytes(content);
        await CommitAsync(Change() with { Bundle = Bundle() with { Content = [.. content] } });

        Assert.Equal(content, (await Store.Catalog.ReadContentAsync(Tenant, new string('a', 64)))!.Value.AsSpan().ToArray());
        Assert.Null(await Store.Catalog.ReadContentAsync(Tenant, new string('b', 64)));
    }

    [Fact]
    public async Task A_tenant_is_strict_once_it_says_so()
    {
        await MakeTenantAsync();
        Assert.False(await Store.Catalog.ReadStrictAsync(Tenant));
        await CommitAsync(Change() with { StrictBundles = true });
        Assert.True(await Store.Catalog.ReadStrictAsync(Tenant));
        await CommitAsync(Change());
        Assert.True(await Store.Catalog.ReadStrictAsync(Tenant));
        await CommitAsync(Change() with { StrictBundles = false });
        Assert.False(await Store.Catalog.ReadStrictAsync(Tenant));
        Assert.False(await Store.Catalog.ReadStrictAsync("another-" + Tenant));
    }

    [Fact]
    public async Task Trust_roots_follow_each_other_one_by_one()
    {
        await MakeTenantAsync();
        Assert.Null(await Store.Catalog.ReadTrustRootAsync(Tenant));
        await CommitAsync(Change() with { TrustRoot = new TrustRootWrite(1, """{"b":1,  "a":"\n"}""") });

        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(
            n => Store.Rollouts.CommitAsync(Change() with { TrustRoot = new TrustRootWrite(2, $"{{\"n\":{n}}}") })));

        Assert.Single(results, result => result.Status == CommitStatus.Committed);
        Assert.Equal(5, results.Count(result => result.Status == CommitStatus.Stale));
        Assert.Equal(2, (await Store.Catalog.ReadTrustRootAsync(Tenant))!.Version);
        Assert.Equal(new TrustRootWrite(1, """{"b":1,  "a":"\n"}"""), await Store.Catalog.ReadTrustRootAsync(Tenant, 1));
        Assert.Null(await Store.Catalog.ReadTrustRootAsync(Tenant, 3));
    }

    [Fact]
    public async Task The_highest_sequence_is_known()
    {
        await MakeTenantAsync();
        await CommitAsync(Change() with { Bundle = Bundle('a', "1.0.0") });
        Assert.Null(await Store.Catalog.ReadHighestSequenceAsync(Tenant));
        await CommitAsync(Change() with { Bundle = Bundle('b', "2.0.0", sequence: 12) });
        await CommitAsync(Change() with { Bundle = Bundle('c', "3.0.0", sequence: 3) });

        Assert.Equal(12, await Store.Catalog.ReadHighestSequenceAsync(Tenant));
    }

    [Fact]
    public async Task A_key_is_found_by_its_hash_until_it_expires_or_is_revoked()
    {
        await MakeTenantAsync();
        var expiring = Key("expiring") with { ExpiresAt = Now.AddMinutes(1), Role = "node", Fleet = "edge", Node = "n1" };
        await CommitAsync(Change() with { Keys = [expiring, Key("plain") with { Creators = [] }] });

        AssertSame([expiring], (await Store.Keys.FindKeysAsync([expiring.KeySha256, Key("unknown").KeySha256], Now.AddSeconds(59))).ToArray());
        Assert.Empty(await Store.Keys.FindKeysAsync([expiring.KeySha256], Now.AddMinutes(1)));
        Assert.Equal(2, (await Store.Keys.FindKeysAsync([expiring.KeySha256, Key("plain").KeySha256], Now)).Length);
        Assert.Equal(2, (await Store.Keys.ListKeysAsync(Tenant)).Length);
        await CommitAsync(Change() with { RevokedKeyId = Key("plain").KeyId });

        Assert.Empty(await Store.Keys.FindKeysAsync([Key("plain").KeySha256], Now));
        AssertSame([expiring], (await Store.Keys.ListKeysAsync(Tenant)).ToArray());
        Assert.Contains(Key("plain").KeyId, await Store.Keys.ReadRevokedKeysAsync(Now));
        Assert.DoesNotContain(Key("plain").KeyId, await Store.Keys.ReadRevokedKeysAsync(Now.AddSeconds(1)));
        Assert.Equal(CommitStatus.Stale, (await Store.Rollouts.CommitAsync(Change() with { RevokedKeyId = Key("plain").KeyId })).Status);
    }

    [Fact]
    public async Task A_tenant_takes_back_its_own_keys_only()
    {
        await MakeTenantAsync();
        var root = Key("root", ofInstallation: true);
        await CommitAsync(Change() with { Keys = [root, Key("spare", ofInstallation: true), Key("mine")] });
        var other = Tenant + "-other";
        await CommitAsync(Change() with { Tenant = other, CreatesTenant = true });

        var ofOther = await Store.Rollouts.CommitAsync(Change() with { Tenant = other, RevokedKeyId = Key("mine").KeyId });
        var ofInstallation = await Store.Rollouts.CommitAsync(Change() with { RevokedKeyId = root.KeyId });

        Assert.Equal([CommitStatus.Stale, CommitStatus.Stale], [ofOther.Status, ofInstallation.Status]);
        Assert.Contains(root.KeyId, (await Store.Keys.ListKeysAsync(null)).Select(key => key.KeyId));
        await CommitAsync(Change() with { RevokedKeyId = root.KeyId, RevokesInstallationKey = true });
        Assert.DoesNotContain(root.KeyId, (await Store.Keys.ListKeysAsync(null)).Select(key => key.KeyId));
    }

    [Fact]
    public async Task The_last_key_of_the_installation_that_works_is_not_taken_back()
    {
        await MakeTenantAsync();
        var (first, last, expired) = (Key("first", ofInstallation: true), Key("last", ofInstallation: true), Key("expired", ofInstallation: true) with { ExpiresAt = Now });
        await OnlyKeysOfInstallationAsync(first, last, expired);
        await CommitAsync(Take(first));
        var before = await ReadAuditAsync();

        var result = await Store.Rollouts.CommitAsync(Take(last));

        Assert.Equal((CommitStatus.Conflict, ConflictNames.LastKey), (result.Status, result.Detail));
        AssertSame([last], (await Store.Keys.FindKeysAsync([first.KeySha256, last.KeySha256, expired.KeySha256], Now)).ToArray());
        Assert.Equal(before.Length, (await ReadAuditAsync()).Length);
        Assert.Equal(CommitStatus.Stale, (await Store.Rollouts.CommitAsync(Take(first))).Status);
        Assert.Equal(CommitStatus.Stale, (await Store.Rollouts.CommitAsync(Take(expired))).Status);
    }

    [Fact]
    public async Task Of_the_keys_of_the_installation_that_are_taken_back_at_once_one_stays()
    {
        await MakeTenantAsync();
        var keys = Enumerable.Range(0, 4).Select(index => Key($"key-{index}", ofInstallation: true)).ToArray();
        await OnlyKeysOfInstallationAsync(keys);

        var results = await Task.WhenAll(keys.Select(key => Task.Run(() => Store.Rollouts.CommitAsync(Take(key)))));

        Assert.Equal(
            [CommitStatus.Committed, CommitStatus.Committed, CommitStatus.Committed, CommitStatus.Conflict],
            results.Select(result => result.Status).Order());
        Assert.Single(await Store.Keys.FindKeysAsync([.. keys.Select(key => key.KeySha256)], Now));
    }

    [Fact]
    public async Task Tenants_are_listed_and_the_default_one_is_there_from_the_start()
    {
        await MakeTenantAsync();

        var tenants = await Store.Keys.ListTenantsAsync();

        Assert.Contains("default", tenants);
        Assert.Contains(Tenant, tenants);
        Assert.Equal(tenants.Order(StringComparer.Ordinal), tenants);
    }

    [Fact]
    public async Task Audit_entries_are_read_in_pages_and_by_subject()
    {
        await MakeTenantAsync();
        await CommitAsync(Change() with { Audit = [Entry("one", "fleets/a"), Entry("two", "fleets/b_1"), Entry("three", "fleets/bx1")] });
        await CommitAsync(Change() with { Audit = [Entry("four", "fleets/b_1/rollouts/r1")] });

        async Task<string> ReadAsync(long after, int limit, string? subject = null) =>
            string.Join(' ', (await Store.Audit.ReadAsync(Tenant, after, limit, subject)).Select(entry => entry.Draft.Action));

        Assert.Equal("test.happened one", await ReadAsync(0, 2));
        Assert.Equal("two three four", await ReadAsync(2, 10));
        Assert.Equal("two four", await ReadAsync(0, 10, "fleets/b_1"));
        Assert.Equal("four", await ReadAsync(3, 10, "fleets/b_1"));
        Assert.Equal("two", await ReadAsync(0, 1, "fleets/b_1"));
        Assert.Equal("", await ReadAsync(0, 10, "%"));
        Assert.Equal(0, (await Store.Audit.ReadHeadAsync("another-" + Tenant)).Seq);
    }

    private TagRecord Tag(string tag, string? fleet, char digit) => new(tag, fleet, new string(digit, 64), "why", "alice", Now);

    private PolicyChange Take(KeyWrite key) => Change() with { RevokedKeyId = key.KeyId, RevokesInstallationKey = true };

    // The installation is shared by the tests of the class.
    private async Task OnlyKeysOfInstallationAsync(params KeyWrite[] keys)
    {
        var others = await Store.Keys.ListKeysAsync(null);
        await CommitAsync(Change() with { Keys = [.. keys] });
        foreach (var other in others)
        {
            await Store.Rollouts.CommitAsync(Take(other));
        }
    }
}
