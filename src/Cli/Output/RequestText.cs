using System.Globalization;
using OrleansPolicy.Review;

namespace OrleansPolicy.Cli;

/// <summary>A request on one line.</summary>
internal static class RequestText
{
    public static string Of(ReviewRequest request)
    {
        var now = request.Now == DateTimeOffset.UnixEpoch ? "" : " at " + request.Now.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z' ddd", CultureInfo.InvariantCulture);
        return $"{request.CapabilityId}{now} {request.Context?.GetRawText() ?? "{}"}";
    }
}
