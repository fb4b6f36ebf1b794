using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.OpenApi;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The description of the API, generated from the endpoints themselves.</summary>
public static class OpenApiDocument
{
    private const string SchemeName = "bearer";

    /// <summary>Registers it. Schemas are written with the names of <see cref="PolicyJson"/>.</summary>
    public static void AddApiDescription(this IServiceCollection services)
    {
        services.Configure<JsonOptions>(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = PolicyJson.Options.PropertyNamingPolicy;
            options.SerializerOptions.DefaultIgnoreCondition = PolicyJson.Options.DefaultIgnoreCondition;
            options.SerializerOptions.NumberHandling = PolicyJson.Options.NumberHandling;
            foreach (var converter in PolicyJson.Options.Converters.OfType<System.Text.Json.Serialization.JsonStringEnumConverter>())
            {
                options.SerializerOptions.Converters.Add(converter);
            }
        });
        services.AddOpenApi("v1", options =>
        {
            options.AddDocumentTransformer((document, _, _) =>
            {
                Describe(document);
                return Task.CompletedTask;
            });
            options.AddOperationTransformer((operation, context, _) =>
            {
                Describe(operation, context.Description.ActionDescriptor.EndpointMetadata, context.Document!);
                return Task.CompletedTask;
            });
        });
    }

    private static void Describe(Microsoft.OpenApi.OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Orleans.Policy",
            Version = Usage.Version,
            Description = "Ships signed policy to a fleet in stages, and takes it back. Errors are application/problem+json with a stable code. "
                + "Every POST and PUT accepts Idempotency-Key.",
        };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes[SchemeName] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" };
        document.Servers?.Clear();
    }

    private static void Describe(OpenApiOperation operation, IList<object> metadata, Microsoft.OpenApi.OpenApiDocument document)
    {
        if (metadata.OfType<ProblemCodes>().LastOrDefault() is { Codes.Length: > 0 } problems)
        {
            operation.Extensions ??= new Dictionary<string, IOpenApiExtension>();
            operation.Extensions["x-problem-codes"] = new JsonNodeExtension(new JsonArray([.. problems.Codes.Select(code => JsonValue.Create(code))]));
        }

        if (metadata.OfType<OpenToAll>().Any())
        {
            return;
        }

        operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SchemeName, document)] = [] }];
    }
}
