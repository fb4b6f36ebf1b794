using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Tests.Http;

public sealed class ErrorAnswersTests
{
    [Fact]
    public async Task A_request_whose_client_has_left_does_not_count_as_answered()
    {
        var http = new DefaultHttpContext { RequestAborted = new CancellationToken(canceled: true) };

        await new ErrorAnswers(context => Task.FromCanceled(context.RequestAborted), NullLogger<ErrorAnswers>.Instance).InvokeAsync(http);

        Assert.Equal(499, http.Response.StatusCode);
    }
}
