using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Plain HTTP with a key. It judges nothing: tests say what they expect.</summary>
public sealed class ApiClient(Uri address, string? key) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };

    public string? Key => key;

    public Uri Address => address;

    public void Dispose() => _http.Dispose();

    public Task<ApiAnswer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, headers);

    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    public Task<ApiAnswer> PutAsync(string path, object? body, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Put, path, Json(body), headers);

    public Task<ApiAnswer> PostAsync(string path, object? body, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, path, Json(body), headers);

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using var response = await _http.SendAsync(Request(method, path, content, headers));
        return await ApiAnswer.ReadAsync(response);
    }

    /// <summary>An answer that goes on: only its head is read.</summary>
    public Task<HttpResponseMessage> OpenAsync(string path, params (string Name, string Value)[] headers) =>
        _http.SendAsync(Request(HttpMethod.Get, path, null, headers), HttpCompletionOption.ResponseHeadersRead);

    public static HttpContent Json(object? body) => body switch
    {
        HttpContent content => content,
        byte[] bytes => Typed(new ByteArrayContent(bytes)),
        string text => Typed(new ByteArrayContent(Encoding.UTF8.GetBytes(text))),
        _ => Typed(new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body))),
    };

    private static ByteArrayContent Typed(ByteArrayContent content)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path) { Content = content };
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }
}
