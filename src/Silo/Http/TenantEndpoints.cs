using System.Collections.Immutable;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Tenants: the isolation unit.</summary>
public static class TenantEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapTenants(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/tenants", ListAsync)
            .Is(Permission.ManageTenants, "List the tenants")
            .Gives<TenantList>();
        routes.MapPut("/{tenant}", PutAsync)
            .Is(Permission.ManageTenants, "Create a tenant, or say how strictly it reads bundles", Names.InvalidCode)
            .WithMetadata(new CreatesTenant())
            .Takes<TenantRequest>()
            .Gives<TenantView>()
            .Gives<TenantView>(StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListAsync(IKeyStore keys, HttpContext http) =>
        Answers.Ok(new TenantList(await keys.ListTenantsAsync(http.RequestAborted)));

    private static async Task<IResult> PutAsync(
        string tenant, IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http)
    {
        var body = await http.ReadAsync<TenantRequest>(optional: true);
        if (!body.Succeeded)
        {
            return body.Refusal();
        }

        var put = await http.OnceAsync(caller => CreateAsync(tenant, body.Value.StrictBundles, store, time, http, caller.By));
        return put.Answer(made => new TenantView(tenant, made.StrictBundles), put is { Succeeded: true, Value.Existed: true } ? 200 : 201);
    }

    private static async Task<Outcome<CreatedTenant>> CreateAsync(
        string tenant, bool? strict, IRolloutStore store, TimeProvider time, HttpContext http, Actor by)
    {
        var made = new CreatedTenant(tenant, Existed: false, strict);
        var result = await store.CommitAsync(
            new PolicyChange
            {
                Tenant = tenant,
                CreatesTenant = true,
                StrictBundles = strict,
                Operation = http.Record(made, StatusCodes.Status201Created),
                Audit = [by.Did("tenant.created", "tenants/" + tenant, time.GetUtcNow())],
            },
            http.RequestAborted);
        return result.Status switch
        {
            CommitStatus.Committed => Outcome<CreatedTenant>.Ok(made),
            CommitStatus.Conflict when strict is null => Outcome<CreatedTenant>.Ok(made with { Existed = true }),
            CommitStatus.Conflict => await ConfigureAsync(made with { Existed = true }, store, time, http, by),
            _ => result.Refuse<CreatedTenant>(),
        };
    }

    private static async Task<Outcome<CreatedTenant>> ConfigureAsync(
        CreatedTenant known, IRolloutStore store, TimeProvider time, HttpContext http, Actor by)
    {
        var result = await store.CommitAsync(
            new PolicyChange
            {
                Tenant = known.Tenant,
                StrictBundles = known.StrictBundles,
                Operation = http.Record(known, StatusCodes.Status200OK),
                Audit =
                [
                    by.Did("tenant.configured", "tenants/" + known.Tenant, time.GetUtcNow(),
                        ImmutableSortedDictionary<string, string>.Empty.Add("strict_bundles", known.StrictBundles is true ? "true" : "false")),
                ],
            },
            http.RequestAborted);
        return result.Status == CommitStatus.Committed ? Outcome<CreatedTenant>.Ok(known) : result.Refuse<CreatedTenant>();
    }

    private sealed record CreatedTenant(string Tenant, bool Existed, bool? StrictBundles);
}

/// <summary>What a tenant is to be like.</summary>
/// <param name="StrictBundles">Whether bundles with fields that nothing reads are refused (<c>bundle.unknown_field</c>); null: as before, at first not.</param>
public sealed record TenantRequest(bool? StrictBundles);

/// <summary>A tenant.</summary>
/// <param name="Tenant">Its name.</param>
/// <param name="StrictBundles">What the request said of it.</param>
public sealed record TenantView(string Tenant, bool? StrictBundles);

/// <summary>Tenants by name.</summary>
public sealed record TenantList(ImmutableArray<string> Tenants);
