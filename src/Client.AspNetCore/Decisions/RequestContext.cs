using System.Buffers;
using System.Security.Authentication;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>
/// What a decision is told of a request unless the application says otherwise. No headers, no query and no body: they hold secrets,
/// and what a rule needs of them an endpoint names.
/// <code>
/// { "subject": { "authenticated", "id"?, "name"?, "tenant"?, "roles": [], "scopes": [] },
///   "request": { "method", "path", "host", "scheme", "ip"?, "tls"? },
///   "route":   { the route's values } }
/// </code>
/// <c>subject.id</c> is the claim <c>sub</c> or NameIdentifier, <c>roles</c> are the claims of the identity's role type and <c>role</c>,
/// <c>scopes</c> the words of <c>scope</c> and <c>scp</c>, <c>tenant</c> is <c>tenant</c> or <c>tid</c>. <c>ip</c> is the connection's own:
/// behind a proxy use ASP.NET Core's forwarded-headers middleware. <c>tls</c> is 1.2 or 1.3, where this process ends TLS itself.
/// </summary>
public static class RequestContext
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    /// <summary>The context of a request.</summary>
    public static DecisionContext Of(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        return Write(json =>
        {
            json.WritePropertyName("subject");
            WriteSubject(json, http.User);
            WriteRequest(json, http);
            WriteRoute(json, http.Request.RouteValues);
        });
    }

    /// <summary>The context of what somebody wants to do with something, for authorization that is asked in code.</summary>
    internal static DecisionContext Of(ClaimsPrincipal user, object? resource) => Write(json =>
    {
        json.WritePropertyName("subject");
        WriteSubject(json, user);
        if (resource is not null)
        {
            json.WritePropertyName("resource");
            JsonSerializer.Serialize(json, resource, resource.GetType(), PolicyJson.Options);
        }
    });

    /// <summary>A context with further members, which replace those of the same name. One that nothing can be decided about stays what it is.</summary>
    internal static DecisionContext Merge(DecisionContext context, object? facts)
    {
        if (facts is null)
        {
            return context;
        }

        var added = facts switch
        {
            JsonElement given => given,
            DecisionContext given => Parse(given),
            _ => JsonSerializer.SerializeToElement(facts, facts.GetType(), PolicyJson.Options),
        };
        if (added.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidOperationException($"What an endpoint adds to the context of a decision is an object with members, not {added.ValueKind}.");
        }

        var known = Parse(context);
        if (known.ValueKind != JsonValueKind.Object)
        {
            return known.ValueKind == JsonValueKind.Null ? added : context;
        }

        return Write(json =>
        {
            foreach (var member in known.EnumerateObject())
            {
                if (!added.TryGetProperty(member.Name, out _))
                {
                    member.WriteTo(json);
                }
            }

            foreach (var member in added.EnumerateObject())
            {
                member.WriteTo(json);
            }
        });
    }

    // Undefined for one that could not be read.
    private static JsonElement Parse(DecisionContext context) => context.Utf8.IsEmpty ? default : JsonElement.Parse(
        context.Utf8, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });

    private static DecisionContext Write(Action<Utf8JsonWriter> members)
    {
        // A callback may ask for another context: that one finds no buffer and makes its own.
        var buffer = Interlocked.Exchange(ref _buffer, null) ?? new ArrayBufferWriter<byte>(1024);
        try
        {
            using (var json = new Utf8JsonWriter(buffer))
            {
                json.WriteStartObject();
                members(json);
                json.WriteEndObject();
            }

            return DecisionContext.Parse(buffer.WrittenSpan);
        }
        finally
        {
            buffer.ResetWrittenCount();
            _buffer = buffer;
        }
    }

    private static void WriteSubject(Utf8JsonWriter json, ClaimsPrincipal user)
    {
        json.WriteStartObject();
        json.WriteBoolean("authenticated", user.Identity?.IsAuthenticated == true);
        WriteText(json, "id", user.FindFirst("sub")?.Value ?? user.FindFirst(ClaimTypes.NameIdentifier)?.Value);
        WriteText(json, "name", user.Identity?.Name);
        WriteText(json, "tenant", user.FindFirst("tenant")?.Value ?? user.FindFirst("tid")?.Value);
        json.WriteStartArray("roles");
        foreach (var identity in user.Identities)
        {
            foreach (var claim in identity.Claims)
            {
                if (claim.Type == identity.RoleClaimType || claim.Type is "role" or "roles")
                {
                    json.WriteStringValue(claim.Value);
                }
            }
        }

        json.WriteEndArray();
        json.WriteStartArray("scopes");
        foreach (var claim in user.Claims)
        {
            if (claim.Type is "scope" or "scp")
            {
                foreach (var word in claim.Value.AsSpan().Split(' '))
                {
                    if (claim.Value.AsSpan(word) is { IsEmpty: false } scope)
                    {
                        json.WriteStringValue(scope);
                    }
                }
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRequest(Utf8JsonWriter json, HttpContext http)
    {
        json.WriteStartObject("request");
        json.WriteString("method", http.Request.Method);
        json.WriteString("path", http.Request.Path.Value);
        json.WriteString("host", http.Request.Host.Value);
        json.WriteString("scheme", http.Request.Scheme);
        if (http.Connection.RemoteIpAddress is { } address)
        {
            json.WriteString("ip", (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString());
        }

        if (http.Features.Get<ITlsHandshakeFeature>()?.Protocol is { } protocol and (SslProtocols.Tls12 or SslProtocols.Tls13))
        {
            json.WriteNumber("tls", protocol == SslProtocols.Tls13 ? 1.3m : 1.2m);
        }

        json.WriteEndObject();
    }

    private static void WriteRoute(Utf8JsonWriter json, RouteValueDictionary values)
    {
        json.WriteStartObject("route");
        foreach (var (name, value) in values)
        {
            WriteText(json, name, Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture));
        }

        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
