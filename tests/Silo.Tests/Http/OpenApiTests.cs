using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class OpenApiTests(ControlPlane plane)
{
    [Fact]
    public async Task It_lists_exactly_the_mapped_paths()
    {
        var document = (await plane.Admin.GetAsync("/openapi/v1.json")).Expect(200);

        var listed = document["paths"].EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"));
        var mapped = plane.Host.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => !endpoint.RoutePattern.RawText!.StartsWith("/openapi", StringComparison.Ordinal) && !endpoint.RoutePattern.RawText.StartsWith("/session", StringComparison.Ordinal))
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method =>
                $"{method} {Regex.Replace(endpoint.RoutePattern.RawText!, ":[a-z]+}", "}")}"));
        Assert.Equal(mapped.Distinct().Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_call_has_a_summary_and_says_how_it_is_authenticated()
    {
        var document = (await plane.Admin.GetAsync("/openapi/v1.json")).Expect(200);

        Assert.Equal("bearer", document["components"].GetProperty("securitySchemes").GetProperty("bearer").GetProperty("scheme").GetString());
        foreach (var path in document["paths"].EnumerateObject())
        {
            foreach (var call in path.Value.EnumerateObject())
            {
                Assert.True(call.Value.TryGetProperty("summary", out var summary) && summary.GetString()!.Length > 0, $"{call.Name} {path.Name} has no summary.");
                Assert.Equal(path.Name is not ("/healthz" or "/readyz"), call.Value.TryGetProperty("security", out _));
            }
        }
    }

    [Fact]
    public async Task Schemas_have_the_names_of_the_wire()
    {
        var document = (await plane.Admin.GetAsync("/openapi/v1.json")).Expect(200);

        var answer = document["components"].GetProperty("schemas").GetProperty("AdmissionAnswer").GetProperty("properties");
        Assert.True(answer.TryGetProperty("time_until_next_sec", out _), answer.ToString());
        var bundles = document["paths"].GetProperty("/v1/{tenant}/bundles").GetProperty("post");
        Assert.Contains("bundle.version_taken", bundles.GetProperty("x-problem-codes").EnumerateArray().Select(code => code.GetString()));
        Assert.Contains("409", bundles.GetProperty("responses").EnumerateObject().Select(response => response.Name));
    }

    [Theory]
    [InlineData("POST", "/v1/default/fleets/edge/shadow")]
    [InlineData("POST", "/opa/v1/data")]
    [InlineData("GET", "/console")]
    [InlineData("GET", "/dashboard")]
    [InlineData("GET", "/")]
    [InlineData("GET", "/v1")]
    public async Task What_belongs_to_later_is_not_there(string method, string path) =>
        (await plane.Admin.SendAsync(new HttpMethod(method), path, method == "GET" ? null : ApiClient.Json(new { }))).ExpectProblem(404, "path.unknown");
}
