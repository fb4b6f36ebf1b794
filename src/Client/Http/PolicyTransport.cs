using System.Net;

namespace OrleansPolicy.Client;

/// <summary>
/// The connections of a process to control planes. Share one between all clients and agents of a process: ten thousand agents
/// then need one pool instead of ten thousand. It follows no redirect, keeps no cookies and, unless told otherwise, uses no proxy:
/// a key goes to the configured origin and nowhere else.
/// </summary>
public sealed class PolicyTransport : IDisposable
{
    private readonly HttpClient _http;

    /// <summary>Opens nothing yet.</summary>
    /// <param name="useSystemProxy">Whether the machine's proxy settings apply. Default false.</param>
    /// <param name="configure">Changes the handler (client certificates, a private authority) before its first use.</param>
    public PolicyTransport(bool useSystemProxy = false, Action<SocketsHttpHandler>? configure = null)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = useSystemProxy,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            // A name that moves to another address is followed within minutes, though polls keep connections busy for ever.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            MaxConnectionsPerServer = int.MaxValue,
            MaxResponseHeadersLength = 64,
        };
        configure?.Invoke(handler);
        handler.AllowAutoRedirect = false;

        // Each request has its own time-out; the client's would cut long polls and downloads alike.
        _http = new HttpClient(handler, disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
        Signs = new LifeSigns(_http);
    }

    /// <summary>Which addresses live.</summary>
    internal LifeSigns Signs { get; }

    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}
