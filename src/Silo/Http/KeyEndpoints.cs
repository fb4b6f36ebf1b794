using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>API keys of a tenant and of the installation. The secret is in the answer that makes it and nowhere else.</summary>
public static class KeyEndpoints
{
    /// <summary>The most keys of one batch.</summary>
    public const int BatchMax = 10_000;

    /// <summary>The last working key of the installation stays: nobody could make another.</summary>
    public const string LastCode = "key.last";

    private static readonly BodyLimit BatchLimit = new(8 * 1024 * 1024);

    /// <summary>Maps those of the installation.</summary>
    public static void MapInstallationKeys(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/keys", CreateOfInstallationAsync)
            .Is(Permission.ManageInstallationKeys, "Make a key of the installation, for one more admin of it; the answer shows it once", "key.invalid", "key.fleet", "key.node")
            .Takes<KeyRequest>()
            .Gives<MadeKey>(StatusCodes.Status201Created);
        routes.MapGet("/keys", ListOfInstallationAsync)
            .Is(Permission.ManageInstallationKeys, "List the keys of the installation, without their secrets")
            .Gives<KeyList>();
        routes.MapDelete("/keys/{id}", RevokeOfInstallationAsync)
            .Is(Permission.ManageInstallationKeys, "Revoke a key of the installation; within two seconds it works nowhere", "key.unknown", LastCode)
            .Gives<RevokedKey>();
    }

    /// <summary>Maps those of one tenant.</summary>
    public static void MapKeys(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/keys", CreateAsync)
            .Is(Permission.ManageKeys, "Make a key; the answer shows it once", "key.invalid", "key.fleet", "key.node", Names.InvalidCode)
            .Takes<KeyRequest>()
            .Gives<MadeKey>(StatusCodes.Status201Created);
        routes.MapPost("/keys:batch", CreateManyAsync)
            .Is(Permission.ManageKeys, "Make up to 10,000 keys, all or none", "key.invalid", "key.fleet", "key.node", "key.batch", Names.InvalidCode)
            .Takes<ImmutableArray<KeyRequest>>(BatchLimit)
            .Gives<MadeKeys>(StatusCodes.Status201Created);
        routes.MapGet("/keys", ListAsync)
            .Is(Permission.ManageKeys, "List the tenant's keys, without their secrets")
            .Gives<KeyList>();
        routes.MapDelete("/keys/{id}", RevokeAsync)
            .Is(Permission.ManageKeys, "Revoke a key; within two seconds it works nowhere", "key.unknown")
            .Gives<RevokedKey>();
    }

    // None of these has a parameter for the tenant: it would be bound to the query.
    private static Task<IResult> CreateOfInstallationAsync(IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http) =>
        CreateOneAsync(null, store, time, http);

    private static Task<IResult> ListOfInstallationAsync(IKeyStore keys, HttpContext http) => ListThoseAsync(null, keys, http);

    private static Task<IResult> RevokeOfInstallationAsync(
        string id, IRolloutStore store, KeyCache cache, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http) =>
        RevokeOneAsync(null, id, store, cache, time, http);

    private static Task<IResult> CreateAsync(
        string tenant, IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http) =>
        CreateOneAsync(tenant, store, time, http);

    private static Task<IResult> ListAsync(string tenant, IKeyStore keys, HttpContext http) => ListThoseAsync(tenant, keys, http);

    private static Task<IResult> RevokeAsync(
        string tenant, string id, IRolloutStore store, KeyCache cache, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http) =>
        RevokeOneAsync(tenant, id, store, cache, time, http);

    private static async Task<IResult> CreateOneAsync(string? tenant, IRolloutStore store, TimeProvider time, HttpContext http)
    {
        var request = await http.ReadAsync<KeyRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var made = await MakeAsync(tenant, [request.Value], "$", store, time, http);
        return made.Answer(keys => keys.Keys[0], StatusCodes.Status201Created);
    }

    private static async Task<IResult> CreateManyAsync(
        string tenant, IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http)
    {
        var requests = await http.ReadAsync<KeyRequest[]>();
        if (!requests.Succeeded)
        {
            return requests.Refusal();
        }

        if (requests.Value is not { Length: >= 1 and <= BatchMax })
        {
            return new ProblemAnswer("key.batch", $"A batch has 1 to {BatchMax} keys.");
        }

        var made = await MakeAsync(tenant, requests.Value, "$[{0}]", store, time, http);
        return made.Answer(keys => keys, StatusCodes.Status201Created);
    }

    private static async Task<Outcome<MadeKeys>> MakeAsync(
        string? tenant, KeyRequest?[] requests, string path, IRolloutStore store, TimeProvider time, HttpContext http)
    {
        var now = time.GetUtcNow();
        var problems = requests
            .SelectMany((request, index) => KeyRules.Check(request, tenant, now, string.Format(System.Globalization.CultureInfo.InvariantCulture, path, index)))
            .ToImmutableArray();
        return problems.IsEmpty
            ? await http.OnceAsync(caller => MakeAsync(tenant, requests!, caller, store, now, http))
            : Outcome<MadeKeys>.Fail(problems);
    }

    private static async Task<Outcome<MadeKeys>> MakeAsync(
        string? tenant, KeyRequest[] requests, Caller caller, IRolloutStore store, DateTimeOffset now, HttpContext http)
    {
        var secrets = requests.Select(_ => ApiKey.New()).ToArray();
        var writes = requests.Select((request, index) => KeyRules.ToWrite(request, tenant, secrets[index], caller.By, now)).ToImmutableArray();
        var made = new MadeKeys([.. writes.Select((write, index) => MadeKey.Of(write, secrets[index]))]);

        // What is stored for a repetition has no secret in it: after a restart the first answer comes without.
        var stored = new MadeKeys([.. made.Keys.Select(key => key with { Key = null })]);
        var result = await store.CommitAsync(
            new PolicyChange
            {
                Tenant = tenant ?? KeyRules.ChainOfInstallation,
                Keys = writes,
                Operation = http.Record(stored, StatusCodes.Status201Created),
                Audit = [.. writes.Select(write => caller.By.Did("key.created", "keys/" + write.KeyId, now, KeyRules.Describe(write)))],
            },
            http.RequestAborted);
        return result.Status == CommitStatus.Committed ? Outcome<MadeKeys>.Ok(made) : result.Refuse<MadeKeys>();
    }

    private static async Task<IResult> ListThoseAsync(string? tenant, IKeyStore keys, HttpContext http) =>
        Answers.Ok(new KeyList([.. (await keys.ListKeysAsync(tenant, http.RequestAborted)).Select(KeyView.Of)]));

    private static async Task<IResult> RevokeOneAsync(string? tenant, string id, IRolloutStore store, KeyCache cache, TimeProvider time, HttpContext http)
    {
        var by = http.CallerOf().By;
        var result = await store.CommitAsync(
            new PolicyChange
            {
                Tenant = tenant ?? KeyRules.ChainOfInstallation,
                RevokedKeyId = id,
                RevokesInstallationKey = tenant is null,
                Audit = [by.Did("key.revoked", "keys/" + id, time.GetUtcNow(), tenant is null ? KeyRules.OfInstallation : null)],
            },
            http.RequestAborted);
        if (result is { Status: CommitStatus.Conflict, Detail: ConflictNames.LastKey })
        {
            return new ProblemAnswer(LastCode, "No other key of the installation works: make another one first.");
        }

        if (result.Status != CommitStatus.Committed)
        {
            return new ProblemAnswer("key.unknown", $"{(tenant is null ? "The installation" : "The tenant")} has no such key, or it was revoked before.");
        }

        await cache.RefreshAsync();
        return Answers.Ok(new RevokedKey(id, Revoked: true));
    }
}

/// <summary>What a key is to be.</summary>
/// <param name="Name">A name for people.</param>
/// <param name="Subject">The person or program it belongs to.</param>
/// <param name="Role">viewer, publisher, operator, approver, relay, node or admin.</param>
/// <param name="Fleet">For relay and node: the one fleet it acts for.</param>
/// <param name="Node">For node: the one node it acts for.</param>
/// <param name="ExpiresAt">When it stops working.</param>
public sealed record KeyRequest(string? Name, string? Subject, string? Role, string? Fleet, string? Node, DateTimeOffset? ExpiresAt);

/// <summary>A key just made.</summary>
/// <param name="Id">No secret.</param>
/// <param name="Key">The secret; null where the answer is a repetition from storage.</param>
/// <param name="Name">Its name.</param>
/// <param name="Fleet">Its fleet.</param>
/// <param name="Node">Its node.</param>
public sealed record MadeKey(string Id, string? Key, string Name, string? Fleet, string? Node)
{
    internal static MadeKey Of(KeyWrite write, string secret) => new(write.KeyId, secret, write.Name, write.Fleet, write.Node);
}

/// <summary>Keys just made, in the order asked.</summary>
public sealed record MadeKeys(ImmutableArray<MadeKey> Keys);

/// <summary>A key for a reader.</summary>
public sealed record KeyView(
    string Id, string Name, string Subject, string Role, string? Fleet, string? Node, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt,
    ImmutableArray<string> Creators)
{
    internal static KeyView Of(KeyWrite key) =>
        new(key.KeyId, key.Name, key.Subject, key.Role, key.Fleet, key.Node, key.CreatedAt, key.ExpiresAt, key.Creators);
}

/// <summary>The keys that work.</summary>
public sealed record KeyList(ImmutableArray<KeyView> Keys);

/// <summary>A key that works no more.</summary>
public sealed record RevokedKey(string Id, bool Revoked);
