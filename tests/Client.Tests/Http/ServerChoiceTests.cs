using System.Collections.Immutable;

namespace OrleansPolicy.Client.Tests.Http;

public sealed class ServerChoiceTests
{
    private static readonly ImmutableArray<Uri> Three = [new("http://a:1"), new("http://b:1"), new("http://c:1")];
    private readonly ShiftedTime _time = new();

    [Fact]
    public void Many_clients_spread_over_all_addresses() => Assert.Equal(
        3, Enumerable.Range(0, 200).Select(_ => new ServerChoice(Three, _time).Current).Distinct().Count());

    [Fact]
    public void What_failed_is_avoided_for_a_while_and_then_chosen_again()
    {
        var choice = new ServerChoice(Three, _time);
        var first = choice.Current;
        choice.Failed(first);
        var second = choice.Current;
        choice.Failed(second);
        var third = choice.Current;
        Assert.Equal(3, new[] { first, second, third }.Distinct().Count());

        // All failed: the one that did so longest ago is tried.
        choice.Failed(third);
        Assert.Equal(first, choice.Current);

        _time.Pass(TimeSpan.FromSeconds(11));
        choice.Failed(first);
        Assert.NotEqual(first, choice.Current);
    }

    [Fact]
    public void A_failure_of_an_address_that_was_left_already_moves_nobody()
    {
        var choice = new ServerChoice(Three, _time);
        var first = choice.Current;
        choice.Failed(first);
        var second = choice.Current;
        choice.Failed(first);
        Assert.Equal(second, choice.Current);
    }

    [Fact]
    public void Now_and_then_another_one_is_chosen_so_that_a_restarted_silo_gets_its_share()
    {
        var choice = new ServerChoice(Three, _time, new Random(1));
        var seen = new HashSet<string>();
        for (var i = 0; i < 50; i++)
        {
            seen.Add(choice.Current);
            _time.Pass(TimeSpan.FromMinutes(8));
        }

        Assert.Equal(3, seen.Count);
    }

    [Fact]
    public void A_single_address_is_asked_whatever_happens()
    {
        var choice = new ServerChoice([Three[0], Three[0]], _time);
        Assert.Equal(1, choice.Count);
        choice.Failed(choice.Current);
        Assert.Equal("http://a:1", choice.Current);
    }

    [Fact]
    public async Task A_request_goes_to_the_next_address_when_one_cannot_be_reached()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Roots[1] = new Bundles.TrustRoot { Keys = [] };
        using var client = new PolicyClient(new PolicyClientOptions
        {
            // Nothing listens there.
            Servers = [new Uri("http://127.0.0.1:1"), new Uri("http://127.0.0.1:2"), plane.Address],
            MaxAttempts = 2,
        });
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(1, (await client.FindTrustAsync(1))?.Version);
        }
    }

    [Theory]
    [InlineData("http://a:1/path")]
    [InlineData("ftp://a:1")]
    public void What_is_no_origin_is_refused(string server) =>
        Assert.Throws<ArgumentException>(() => new PolicyClient(new PolicyClientOptions { Servers = [Three[0], new Uri(server)] }));

    [Fact]
    public void No_address_is_refused() => Assert.Throws<ArgumentException>(() => new PolicyClient(new PolicyClientOptions { Servers = [] }));
}
