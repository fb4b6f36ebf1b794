using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OrleansPolicy.Client;

namespace OrleansPolicy.WebApp;

/// <summary>
/// The application. Who may pay how much, who sees which payment and who takes one back stands in no line of it: that is
/// <c>policy.json</c>, which changes while this runs.
/// </summary>
public static class PaymentsApi
{
    /// <summary>The application, not started yet.</summary>
    /// <param name="args">Settings, as on the command line.</param>
    /// <param name="services">Further services, for tests.</param>
    public static WebApplication Create(string[] args, Action<IServiceCollection>? services = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.PropertyNamingPolicy = PolicyJson.Options.PropertyNamingPolicy);
        builder.Services.AddProblemDetails();
        builder.Services.AddAuthentication(TrialUsers.Scheme).AddScheme<AuthenticationSchemeOptions, TrialUsers>(TrialUsers.Scheme, null);
        builder.Services.AddAuthorization();
        builder.Services.AddSingleton<PaymentBook>();
        builder.Services.AddPolicyNode();
        builder.Services.AddHealthChecks().AddPolicyNode();

        services?.Invoke(builder.Services);
        var app = builder.Build();
        app.UsePolicyNodeMetrics();
        app.UseExceptionHandler(new ExceptionHandlerOptions { StatusCodeSelector = e => (e as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status500InternalServerError });
        app.UseAuthentication();
        app.UseAuthorization();
        Map(app);
        return app;
    }

    private static void Map(WebApplication app)
    {
        var payments = app.MapGroup("/payments").RequireAuthorization();

        // The amount and whose payment it is are facts that only the endpoint knows.
        payments.MapPost("/", (NewPayment payment, PaymentBook book, HttpContext http) => TypedResults.Ok(book.Add(http.User.FindFirst("sub")!.Value, payment)))
            .RequireDecision("payments.create", call => new { Amount = call.GetArgument<NewPayment>(0) });
        payments.MapGet("/{id:int}", (Payment payment) => payment)
            .RequireDecision("payments.read", call => new { Resource = call.GetArgument<Payment>(0) });
        payments.MapDelete("/{id:int}", (Payment payment, PaymentBook book) => book.Refund(payment))
            .RequireDecision("payments.refund", call => new { Resource = call.GetArgument<Payment>(0) });

        // Nothing but the request itself: authorization is enough.
        app.MapGet("/reports/daily", (PaymentBook book) => book.Totals()).RequirePolicyDecision("reports.read");

        app.MapGet("/policy", (IPolicyNode node) => new { node.Name, node.Status.Version, node.Status.Epoch, node.Status.Refusal, node.Status.Decisions });
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = WriteHealth });
    }

    private static Task WriteHealth(HttpContext http, HealthReport report) => http.Response.WriteAsJsonAsync(
        new { status = report.Status.ToString(), checks = report.Entries.ToDictionary(entry => entry.Key, entry => new { entry.Value.Description, entry.Value.Data }) });
}
