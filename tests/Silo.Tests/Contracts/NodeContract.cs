using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Tests.Contracts;

/// <summary>Registration numbers: they rise, and a node keeps its own.</summary>
public abstract class NodeContract : StoreContract
{
    [Fact]
    public async Task Numbers_rise_in_the_order_of_the_batch()
    {
        await MakeFleetAsync();

        var first = await RegisterAsync(Node("c"), Node("a"), Node("b"));
        var second = await RegisterAsync(Node("d"));

        Assert.Equal([("c", 1L), ("a", 2L), ("b", 3L), ("d", 4L)], first.Concat(second).Select(node => (node.Node, node.Registration)));
        AssertSame(first.AddRange(second), await Store.Rollouts.ListNodesAsync(Tenant, "edge"));
        await AssertChainIsWholeAsync(4);
    }

    [Fact]
    public async Task A_node_is_stored_as_it_registered()
    {
        await MakeFleetAsync();
        var labels = ImmutableSortedDictionary<string, string>.Empty.Add("rack", "r\"1").Add("\u00fcber", "\0");
        var asked = Node("a") with { Role = "brain", FailureDomain = "zone-1", Labels = labels };

        await RegisterAsync(asked, Node("b"));

        var nodes = await Store.Rollouts.ListNodesAsync(Tenant, "edge");
        Assert.Equal("brain", nodes[0].Role);
        Assert.Equal("zone-1", nodes[0].FailureDomain);
        Assert.Equal([new("rack", "r\"1"), new("\u00fcber", "\ufffd")], nodes[0].Labels);
        Assert.Equal(Now, nodes[0].RegisteredAt);
        Assert.Null(nodes[1].Role);
    }

    [Fact]
    public async Task A_node_keeps_its_number_unless_its_group_or_domain_changes()
    {
        await MakeFleetAsync();
        await RegisterAsync(Node("a"), Node("b"), Node("c"), Node("d"));
        var before = Now;
        Store.Clock.Advance(TimeSpan.FromMinutes(1));

        var after = await RegisterAsync(
            Node("a") with { Role = "brain", Labels = ImmutableSortedDictionary<string, string>.Empty.Add("x", "y") },
            Node("b") with { FailureDomain = "zone-2" },
            Node("c"),
            Node("d") with { ParityGroup = "pair" },
            Node("e"));

        Assert.Equal([("a", 1L), ("b", 5L), ("c", 3L), ("d", 6L), ("e", 7L)], after.Select(node => (node.Node, node.Registration)));
        Assert.Equal([before, Now, before, Now, Now], after.Select(node => node.RegisteredAt));
        AssertSame(after.OrderBy(node => node.Registration).ToImmutableArray(), await Store.Rollouts.ListNodesAsync(Tenant, "edge"));
    }

    [Fact]
    public async Task A_registration_that_changes_nothing_leaves_no_entry()
    {
        await MakeFleetAsync();
        var first = await RegisterAsync(Node("a"), Node("b"));

        var again = await RegisterAsync(Node("b"), Node("a"));

        AssertSame(first.Reverse().ToImmutableArray(), again);
        await AssertChainIsWholeAsync(3);
    }

    [Fact]
    public async Task A_node_that_left_comes_back_with_a_new_number()
    {
        await MakeFleetAsync();
        await RegisterAsync(Node("a"), Node("b"));

        Assert.True(await Store.Rollouts.RemoveNodeAsync(Tenant, "edge", "a", Entry("node.left")));
        Assert.False(await Store.Rollouts.RemoveNodeAsync(Tenant, "edge", "a", Entry("node.left")));
        Assert.False(await Store.Rollouts.RemoveNodeAsync(Tenant, "edge", "nobody", Entry("node.left")));
        Assert.Equal(["b"], (await Store.Rollouts.ListNodesAsync(Tenant, "edge")).Select(node => node.Node));
        var back = await RegisterAsync(Node("a"));

        Assert.Equal(3, back[0].Registration);
        Assert.Equal(["b", "a"], (await Store.Rollouts.ListNodesAsync(Tenant, "edge")).Select(node => node.Node));
        await AssertChainIsWholeAsync(5);
    }

    [Fact]
    public async Task Who_left_at_or_after_a_moment_is_listed_with_a_group_or_without()
    {
        await MakeFleetAsync();
        var records = await RegisterAsync(Node("early"), Node("single"), Node("member") with { ParityGroup = "pair" }, Node("back"), Node("stays"));
        await LeaveAsync("early");
        Store.Clock.Advance(TimeSpan.FromSeconds(10));
        await LeaveAsync("single", "member", "back");
        await RegisterAsync(Node("back"));

        var left = await Store.Rollouts.ListLeftAsync(Tenant, "edge", Now);

        AssertSame(
            records[1..3].Select(record => new LeftNode(record, Now)).OrderBy(node => node.Record.Node, StringComparer.Ordinal),
            left.OrderBy(node => node.Record.Node, StringComparer.Ordinal));

        async Task LeaveAsync(params string[] nodes)
        {
            foreach (var node in nodes)
            {
                Assert.True(await Store.Rollouts.RemoveNodeAsync(Tenant, "edge", node, Entry("node.left")));
            }
        }
    }

    [Fact]
    public async Task Nodes_of_an_unknown_fleet_are_not_registered()
    {
        await MakeFleetAsync();

        Assert.Null(await Store.Rollouts.RegisterNodesAsync(Tenant, "nowhere", [Node("a")], Entry()));
        Assert.Empty(await Store.Rollouts.ListNodesAsync(Tenant, "nowhere"));
        await AssertChainIsWholeAsync(2);
    }

    [Fact]
    public async Task A_group_that_two_fleets_register_at_once_is_of_one_and_the_other_leaves_no_trace()
    {
        await MakeFleetAsync();
        await CommitAsync(Change() with { Fleet = new FleetWrite("core", new FleetSettings(), Creates: true) });
        var member = Node("b") with { ParityGroup = "pair" };

        // Many tries, each of which must hold, as both can also come one after the other.
        string[] fleets = ["edge", "core"];
        var groups = Enumerable.Range(0, 6).Select(n => $"pair-{n}").ToList();
        var written = await Task.WhenAll(groups.SelectMany(group => fleets.Select(fleet => Task.Run(() => Store.Rollouts.RegisterNodesAsync(
            Tenant, fleet, [Node(group) with { ParityGroup = group }, Node(group + "-alone")], Entry())))));

        Assert.Equal(6, written.Count(records => records is not null));
        var stored = (await Store.Rollouts.ListNodesAsync(Tenant, "edge")).AddRange(await Store.Rollouts.ListNodesAsync(Tenant, "core"));
        Assert.Equal(groups, stored.Select(node => node.ParityGroup).OfType<string>().Order(StringComparer.Ordinal));
        Assert.Equal(12, stored.Length);
        await AssertChainIsWholeAsync(3 + 6);

        await RegisterAsync(member);
        Assert.Null(await Store.Rollouts.RegisterNodesAsync(Tenant, "core", [member], Entry()));
        await Store.Rollouts.RemoveNodeAsync(Tenant, "edge", "b", Entry());
        Assert.NotNull(await Store.Rollouts.RegisterNodesAsync(Tenant, "core", [member], Entry()));
    }

    [Fact]
    public async Task A_batch_has_a_limit_and_names_a_node_once()
    {
        await MakeFleetAsync();
        var tooMany = Enumerable.Range(0, 10_001).Select(n => Node($"n{n}")).ToImmutableArray();

        await Assert.ThrowsAnyAsync<ArgumentException>(() => RegisterAsync([.. tooMany]));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => RegisterAsync(Node("a"), Node("a")));
    }

    [Fact]
    public async Task Ten_thousand_nodes_register_at_once()
    {
        await MakeFleetAsync();

        var nodes = await RegisterAsync([.. Enumerable.Range(0, 10_000).Select(n => Node($"n{n}") with { FailureDomain = $"zone-{n % 3}" })]);

        Assert.Equal(Enumerable.Range(1, 10_000).Select(n => (long)n), nodes.Select(node => node.Registration));
        Assert.Equal(10_000, (await Store.Rollouts.ListNodesAsync(Tenant, "edge")).Length);
        await AssertChainIsWholeAsync(3);
    }

    [Fact]
    public async Task Registrations_at_once_get_numbers_that_are_unique_and_without_a_gap()
    {
        await MakeFleetAsync();

        // Every batch has nodes of its own and one that all of them name.
        var batches = await Task.WhenAll(Enumerable.Range(0, 12).Select(
            batch => RegisterAsync([Node("shared"), .. Enumerable.Range(0, 10).Select(n => Node($"n{batch}-{n}"))])));

        var stored = await Store.Rollouts.ListNodesAsync(Tenant, "edge");
        Assert.Equal(Enumerable.Range(1, 121).Select(n => (long)n), stored.Select(node => node.Registration));
        Assert.Single(batches.Select(batch => batch[0].Registration).Distinct());
        Assert.All(batches, batch => Assert.Equal(batch[1..].OrderBy(node => node.Registration), batch[1..]));
    }

    private static NodeRegistration Node(string name) => new() { Node = name };

    private async Task<ImmutableArray<NodeRecord>> RegisterAsync(params NodeRegistration[] nodes) =>
        (await Store.Rollouts.RegisterNodesAsync(Tenant, "edge", [.. nodes], Entry("nodes.registered")))!.Value;
}
