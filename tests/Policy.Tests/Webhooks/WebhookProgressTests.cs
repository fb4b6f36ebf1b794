using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Policy.Tests.Webhooks;

public sealed class WebhookProgressTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    [Fact]
    public void What_is_taken_ends_all_failure()
    {
        var progress = Failed(new WebhookProgress(4), refusals: 3).Delivered(5, Now.AddMinutes(1));

        Assert.Equal(new WebhookProgress(5) { NextAt = Now.AddMinutes(1), DeliveredAt = Now.AddMinutes(1) }, progress);
    }

    [Fact]
    public void A_failure_remembers_since_when_nothing_gets_through()
    {
        var progress = new WebhookProgress(4)
            .Failed(Now, isRefusal: false, "away", TimeSpan.FromSeconds(1))
            .Failed(Now.AddSeconds(1), isRefusal: true, "refused", TimeSpan.FromSeconds(2));

        Assert.Equal((4, 2, 1, Now, Now.AddSeconds(3), "refused"), (progress.After, progress.Failures, progress.Refusals, progress.FailingSince, progress.NextAt, progress.Error));
    }

    [Fact]
    public void Ten_refusals_are_enough_and_the_next_has_its_own()
    {
        var nine = Failed(new WebhookProgress(4), refusals: 9);
        Assert.False(nine.GivesUp(Now, Now));
        var ten = Failed(nine, refusals: 1);
        Assert.True(ten.GivesUp(Now, Now));

        var next = ten.GivenUp(5, Now.AddMinutes(9));

        Assert.Equal((5, 0, 0, Now, Now.AddMinutes(9)), (next.After, next.Failures, next.Refusals, next.FailingSince, next.NextAt));
        Assert.False(next.GivesUp(Now, Now));
    }

    [Fact]
    public void Where_nobody_answers_what_is_a_day_old_is_given_up_and_nothing_younger()
    {
        var away = new WebhookProgress(4).Failed(Now, isRefusal: false, "away", TimeSpan.FromMinutes(5));
        var day = Now.AddHours(24);

        Assert.False(away.GivesUp(Now.AddDays(-3), day.AddSeconds(-1)));
        Assert.True(away.GivesUp(Now, day));
        Assert.False(away.GivesUp(Now.AddSeconds(1), day));
        Assert.False(new WebhookProgress(4).GivesUp(Now.AddDays(-3), day), "Where nothing failed nothing is given up, however old.");
        Assert.Equal(away with { After = 5 }, away.GivenUp(5, day));
    }

    [Fact]
    public void What_is_not_wanted_is_passed() => Assert.Equal(9, Failed(new WebhookProgress(4), 2).Past(9).After);

    private static WebhookProgress Failed(WebhookProgress progress, int refusals) =>
        Enumerable.Range(0, refusals).Aggregate(progress, (before, _) => before.Failed(Now, isRefusal: true, "no", TimeSpan.FromSeconds(1)));
}
