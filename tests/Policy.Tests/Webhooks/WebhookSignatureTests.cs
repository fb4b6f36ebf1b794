using System.Text;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Policy.Tests.Webhooks;

public sealed class WebhookSignatureTests
{
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"type":"rollout.advanced"}""");
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    // Made with openssl: printf '%s' 'msg-1.1800000000.{"type":"rollout.advanced"}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:... -binary | base64
    [Fact]
    public void It_is_the_HMAC_of_id_timestamp_and_body() =>
        Assert.Equal("v1,UBH9kH78uyyIrIvlDY/QkrFxyyvcVby2e9Tp/760FKY=", WebhookSignature.Sign(Secret, "msg-1", 1_800_000_000, Body));

    [Fact]
    public void What_was_signed_is_accepted_and_whatever_differs_is_not()
    {
        var signature = WebhookSignature.Sign(Secret, "msg-1", Now.ToUnixTimeSeconds(), Body);

        Assert.True(Verify(signature));
        Assert.True(Verify("v1,bm90aGluZw== " + signature), "One of several is enough.");
        Assert.True(Verify(signature, now: Now.AddMinutes(5)));
        Assert.True(WebhookSignature.Verify(Secret["whsec_".Length..], "msg-1", "1800000000", signature, Body, Now), "The prefix may be left out.");
        Assert.False(Verify(signature, id: "msg-2"));
        Assert.False(Verify(signature, id: null));
        Assert.False(Verify(signature, timestamp: "1800000001"));
        Assert.False(Verify(signature, timestamp: "soon"));
        Assert.False(Verify(signature, timestamp: null));
        Assert.False(Verify(null));
        Assert.False(Verify(""));
        Assert.False(Verify("v1,"));
        Assert.False(Verify(signature, now: Now.AddSeconds(301)));
        Assert.False(Verify(signature, now: Now.AddSeconds(-301)));
        Assert.False(Verify(signature, timestamp: long.MaxValue.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        Assert.False(WebhookSignature.Verify(Secret, "msg-1", "1800000000", signature, "{}"u8, Now));
        Assert.False(WebhookSignature.Verify(WebhookSignature.Secret(new byte[32]), "msg-1", "1800000000", signature, Body, Now));
        Assert.False(WebhookSignature.Verify(Secret, "msg-1", "1800000000", signature, Body, Now.AddSeconds(2), TimeSpan.FromSeconds(1)));
    }

    private static bool Verify(string? signatures, string? id = "msg-1", string? timestamp = "1800000000", DateTimeOffset? now = null) =>
        WebhookSignature.Verify(Secret, id, timestamp, signatures, Body, now ?? Now);
}
