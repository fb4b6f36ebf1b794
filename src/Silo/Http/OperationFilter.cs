namespace OrleansPolicy.Silo.Http;

/// <summary><c>Idempotency-Key</c> on every POST and PUT.</summary>
public sealed class OperationFilter(OperationGate gate) : IEndpointFilter
{
    /// <summary>The header.</summary>
    public const string Header = "Idempotency-Key";

    /// <inheritdoc/>
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(next);
        var http = context.HttpContext;
        var method = http.Request.Method;
        return (HttpMethods.IsPost(method) || HttpMethods.IsPut(method)) && http.Request.Headers.TryGetValue(Header, out var shown)
            ? gate.RunAsync(http, shown is [{ } id] ? id : "", () => next(context))
            : next(context);
    }
}
