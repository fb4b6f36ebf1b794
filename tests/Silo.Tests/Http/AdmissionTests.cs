using System.Globalization;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class AdmissionTests(ControlPlane plane)
{
    [Fact]
    public async Task A_refusal_says_to_the_second_when_to_come_back()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 600, minIntervalSec: 2);
        var operation = new { operation_id = Guid.NewGuid() };
        var first = await tenant.Admin.PostAsync("/admission", operation);

        // A slow machine may need longer than the interval from one to the next.
        while (first.Status == 200)
        {
            operation = new { operation_id = Guid.NewGuid() };
            first = await tenant.Admin.PostAsync("/admission", operation);
        }

        var refused = first.ExpectProblem(429, "admission.refused");

        Assert.False(refused["allowed"].GetBoolean());
        Assert.Equal(600, refused["limit"].GetDouble());
        Assert.Equal(2, refused["min_interval_sec"].GetDouble());
        Assert.InRange(refused["time_until_next_sec"].GetDouble(), 0.001, 2);
        Assert.Equal("\"interval\";r=0;t=" + refused.Headers["Retry-After"], refused.Headers["RateLimit"]);
        await Task.Delay(TimeSpan.FromSeconds(int.Parse(refused.Headers["Retry-After"], CultureInfo.InvariantCulture)));
        (await tenant.Admin.PostAsync("/admission", operation)).Expect(200);
    }

    [Fact]
    public async Task An_empty_bucket_names_the_bucket()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 2);
        (await tenant.Admin.PostAsync("/admission", new { })).Expect(200);
        (await tenant.Admin.PostAsync("/admission", new { })).Expect(200);

        var refused = (await tenant.Admin.PostAsync("/admission", new { })).ExpectProblem(429, "admission.refused");

        Assert.Equal("\"updates\";q=2;w=60", refused.Headers["RateLimit-Policy"]);
        Assert.InRange(int.Parse(refused.Headers["Retry-After"], CultureInfo.InvariantCulture), 1, 30);
        Assert.Equal("\"updates\";r=0;t=" + refused.Headers["Retry-After"], refused.Headers["RateLimit"]);
    }

    [Fact]
    public async Task The_same_operation_takes_one_admission()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 5);
        var operation = new { operation_id = Guid.NewGuid() };

        var first = (await tenant.Admin.PostAsync("/admission", operation)).Expect(200);
        var again = (await tenant.Admin.PostAsync("/admission", operation)).Expect(200);

        Assert.Equal(first.Text, again.Text);
        Assert.InRange((await tenant.Admin.GetAsync("/admission")).Expect(200)["tokens"].GetDouble(), 4, 4.99);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(600)]
    public async Task What_was_admitted_is_told_again_by_a_process_that_remembers_nothing_whatever_the_limit_says_now(double minIntervalSec)
    {
        var tenant = await plane.NewTenantAsync(minIntervalSec: minIntervalSec);
        var operation = new { operation_id = Guid.NewGuid() };
        var first = (await tenant.Admin.PostAsync("/admission", operation)).Expect(200);

        plane.ForgetOperations();
        var again = (await tenant.Admin.PostAsync("/admission", operation)).Expect(200);
        plane.ForgetOperations();
        (await tenant.Admin.PostAsync("/admission", new { operation.operation_id, fleet = "edge" })).ExpectProblem(422, "operation.reused");

        Assert.Equal(first.Text, again.Text);
        Assert.Equal(1, (await tenant.Admin.GetAsync("/audit"))["entries"].EnumerateArray().Count(entry => entry.GetProperty("action").GetString() == "admission.taken"));
    }

    [Fact]
    public async Task Peeking_takes_nothing()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 5);

        Assert.Equal((await tenant.Admin.GetAsync("/admission")).Text, (await tenant.Admin.GetAsync("/admission")).Text);
    }

    [Theory]
    [InlineData("""{"max_updates_per_minute":0,"min_interval_sec":1}""")]
    [InlineData("""{"max_updates_per_minute":5,"min_interval_sec":-1}""")]
    [InlineData("""{"max_updates_per_minute":1e999,"min_interval_sec":1}""")]
    public async Task A_limit_that_is_none_is_refused(string limit) =>
        (await (await plane.NewTenantAsync()).Admin.PutAsync("/admission/config", limit)).ExpectProblem(400, "admission.limit_invalid");

    [Fact]
    public async Task A_change_of_the_limit_is_audited()
    {
        var tenant = await plane.NewTenantAsync();

        (await tenant.Admin.PutAsync("/admission/config", new { max_updates_per_minute = 7, min_interval_sec = 1 })).Expect(200);

        Assert.Equal(7, (await tenant.Admin.GetAsync("/admission"))["limit"].GetDouble());
        Assert.Contains("admission.", (await tenant.Admin.GetAsync("/audit"))["entries"].EnumerateArray().Last().GetProperty("action").GetString()!, StringComparison.Ordinal);
    }
}
