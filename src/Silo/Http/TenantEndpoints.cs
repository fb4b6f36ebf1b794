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
            .Is(Permission.ManageTenants, "Create a tenant", Names.InvalidCode)
            .WithMetadata(new CreatesTenant())
            .Takes<EmptyRequest>()
            .Gives<TenantView>()
            .Gives<TenantView>(StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListAsync(IKeyStore keys, HttpContext http) =>
        Answers.Ok(new TenantList(await keys.ListTenantsAsync(http.RequestAborted)));

    private static async Task<IResult> PutAsync(
        string tenant, IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http)
    {
        var body = await http.ReadAsync<EmptyRequest>(optional: true);
        if (!body.Succeeded)
        {
            return body.Refusal();
        }

        var created = await http.OnceAsync(caller => CreateAsync(tenant, store, time, http, caller.By));
        return created.Answer(made => new TenantView(tenant), created is { Succeeded: true, Value.Existed: true } ? 200 : 201);
    }

    private static async Task<Outcome<CreatedTenant>> CreateAsync(
        string tenant, IRolloutStore store, TimeProvider time, HttpContext http, Actor by)
    {
        var made = new CreatedTenant(tenant, Existed: false);
        var result = await store.CommitAsync(
            new PolicyChange
            {
                Tenant = tenant,
                CreatesTenant = true,
                Operation = http.Record(made, StatusCodes.Status201Created),
                Audit = [by.Did("tenant.created", "tenants/" + tenant, time.GetUtcNow())],
            },
            http.RequestAborted);
        return result.Status switch
        {
            CommitStatus.Committed => Outcome<CreatedTenant>.Ok(made),
            CommitStatus.Conflict => Outcome<CreatedTenant>.Ok(made with { Existed = true }),
            _ => result.Refuse<CreatedTenant>(),
        };
    }

    private sealed record CreatedTenant(string Tenant, bool Existed);
}

/// <summary>A tenant.</summary>
public sealed record TenantView(string Tenant);

/// <summary>Tenants by name.</summary>
public sealed record TenantList(ImmutableArray<string> Tenants);

/// <summary>A body that says nothing.</summary>
public sealed record EmptyRequest;
