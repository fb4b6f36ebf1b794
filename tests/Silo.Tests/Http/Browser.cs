using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>As much of a browser as a session needs: it keeps cookies, sends forms, and follows nothing by itself.</summary>
public sealed partial class Browser : IDisposable
{
    private readonly HttpClient _http;
    private readonly Uri _address;

    private static int s_last;

    public Browser(Uri address)
    {
        _address = address;

        // Attempts are counted by address, and this machine has many.
        var number = Interlocked.Increment(ref s_last);
        var from = new IPAddress([127, 77, (byte)(number / 250), (byte)(1 + (number % 250))]);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            CookieContainer = Cookies,
            ConnectCallback = async (context, token) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    socket.Bind(new IPEndPoint(from, 0));
                    await socket.ConnectAsync(context.DnsEndPoint, token);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        })
        { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>What it keeps.</summary>
    public CookieContainer Cookies { get; } = new();

    public void Dispose() => _http.Dispose();

    /// <summary>The session's cookie; null: it has none.</summary>
    public string? Session => Cookies.GetCookies(_address)["orleans-policy-session"]?.Value;

    public Task<ApiAnswer> OpenAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, [.. headers, ("Accept", "text/html")]);

    public Task<ApiAnswer> SubmitAsync(string path, params (string Name, string Value)[] fields) =>
        SendAsync(HttpMethod.Post, path, new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))));

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await _http.SendAsync(request);
        return await ApiAnswer.ReadAsync(response);
    }

    /// <summary>The anti-forgery token of the page for signing in and out.</summary>
    public async Task<string> TokenAsync() => TokenIn((await OpenAsync("/session")).Expect(200));

    public static string TokenIn(ApiAnswer page) => WebUtility.HtmlDecode(Token().Match(page.Text).Groups[1].Value);

    /// <summary>Opens the page and sends its form.</summary>
    public async Task<ApiAnswer> SignInAsync(string key, string? to = null)
    {
        var token = await TokenAsync();
        return to is null ? await SubmitAsync("/session", ("csrf", token), ("key", key)) : await SubmitAsync("/session", ("csrf", token), ("key", key), ("return", to));
    }

    [GeneratedRegex("name=\"csrf\" value=\"([^\"]+)\"")]
    private static partial Regex Token();
}
