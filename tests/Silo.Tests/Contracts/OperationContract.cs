using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Tests.Contracts;

/// <summary>Asking twice does it once.</summary>
public abstract class OperationContract : StoreContract
{
    [Fact]
    public async Task A_repeated_operation_is_known_whatever_else_has_become_of_it()
    {
        await MakeTenantAsync();
        var change = Change() with
        {
            Operation = Operation(),
            Fleet = new FleetWrite("edge", new FleetSettings(), true),
            Bundle = Bundle(),
            Admission = new AdmissionWrite(Admission.AdmissionState.Full(Now), new Admission.UpdateLimits(), 0),
        };
        await CommitAsync(change);

        // The admission is stale and the names are taken; none of that is the answer.
        var again = await Store.Rollouts.CommitAsync(change);

        Assert.Equal(CommitStatus.OperationExists, again.Status);
        await AssertChainIsWholeAsync(2);
    }

    [Fact]
    public async Task The_first_answer_is_given_again_byte_for_byte()
    {
        await MakeTenantAsync();
        var operation = Operation(response: "{ \"z\" : 1.50, \"a\":[ ] }");
        await CommitAsync(Change() with { Operation = operation });

        await Store.Rollouts.CommitAsync(Change() with { Operation = operation with { Response = "{}", Status = 500, BodyHash = "other" } });

        Assert.Equal(operation, await Store.Rollouts.ReadOperationAsync(operation.KeyId, operation.OperationId));
        Assert.Null(await Store.Rollouts.ReadOperationAsync("another-key", operation.OperationId));
    }

    [Fact]
    public async Task The_same_operation_many_times_at_once_is_done_once()
    {
        await MakeTenantAsync();

        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Store.Rollouts.CommitAsync(Change() with { Operation = Operation() })));

        Assert.Single(results, result => result.Status == CommitStatus.Committed);
        Assert.Equal(39, results.Count(result => result.Status == CommitStatus.OperationExists));
        await AssertChainIsWholeAsync(2);
    }

    [Fact]
    public async Task After_a_day_an_operation_is_forgotten()
    {
        await MakeTenantAsync();
        await CommitAsync(Change() with { Operation = Operation() });

        Store.Clock.Advance(TimeSpan.FromHours(24) - TimeSpan.FromMilliseconds(1));
        var inTime = await Store.Rollouts.CommitAsync(Change() with { Operation = Operation() });
        Store.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var forgotten = await Store.Rollouts.ReadOperationAsync(Tenant + "-key", "op-1");
        var later = await Store.Rollouts.CommitAsync(Change() with { Operation = Operation(response: "{}") });

        Assert.Equal(CommitStatus.OperationExists, inTime.Status);
        Assert.Null(forgotten);
        Assert.Equal(CommitStatus.Committed, later.Status);
        Assert.Equal("{}", (await Store.Rollouts.ReadOperationAsync(Tenant + "-key", "op-1"))!.Response);
    }

    [Fact]
    public async Task A_refused_change_leaves_its_operation_free()
    {
        await MakeFleetAsync();
        var refused = await Store.Rollouts.CommitAsync(
            Change() with { Operation = Operation(), Directive = new DirectiveWrite("edge", DirectiveAt(9), 8) });

        Assert.Equal(CommitStatus.Stale, refused.Status);
        await CommitAsync(Change() with { Operation = Operation() });
    }

    [Fact]
    public async Task Operations_of_one_change_are_done_together_or_not_at_all()
    {
        await MakeTenantAsync();
        await CommitAsync(Change() with { Operation = Operation("op-2") });

        // By the statement of admissions alone, and by the general way.
        var alone = Admissions(0, "op-1", "op-2", "op-3");
        var refused = await Store.Rollouts.CommitAsync(alone);
        var general = await Store.Rollouts.CommitAsync(alone with { StrictBundles = true });

        Assert.Equal([CommitStatus.OperationExists, CommitStatus.OperationExists], [refused.Status, general.Status]);
        Assert.Null(await Store.Rollouts.ReadAdmissionAsync(Tenant));
        Assert.Null(await Store.Rollouts.ReadOperationAsync(Tenant + "-key", "op-1"));
        await AssertChainIsWholeAsync(2);

        await CommitAsync(Admissions(0, "op-1", "op-3", "op-4"));
        await CommitAsync(Admissions(1, "op-5", "op-6") with { StrictBundles = true });
        var stale = await Store.Rollouts.CommitAsync(Admissions(1, "op-7", "op-8"));

        Assert.Equal(CommitStatus.Stale, stale.Status);
        foreach (var id in new[] { "op-1", "op-3", "op-4", "op-5", "op-6" })
        {
            Assert.Equal(Operation(id, id).Response, (await Store.Rollouts.ReadOperationAsync(Tenant + "-key", id))?.Response);
        }

        Assert.Null(await Store.Rollouts.ReadOperationAsync(Tenant + "-key", "op-7"));
        Assert.Equal(2, (await Store.Rollouts.ReadAdmissionAsync(Tenant))!.Revision);
        Assert.Equal(["op-1", "op-3", "op-4", "op-5", "op-6"], (await ReadAuditAsync())[2..].Select(entry => entry.Draft.Reason));
        await AssertChainIsWholeAsync(7);
    }

    [Fact]
    public async Task One_operation_twice_in_a_change_is_refused_as_a_mistake()
    {
        await MakeTenantAsync();

        await Assert.ThrowsAsync<ArgumentException>(() => Store.Rollouts.CommitAsync(Admissions(0, "op-1", "op-1")));
    }

    [Fact]
    public async Task The_same_operations_in_any_order_by_many_at_once_are_each_done_once()
    {
        await MakeTenantAsync();
        var ids = Enumerable.Range(0, 20).Select(n => $"op-{n}").ToArray();

        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(n => Store.Rollouts.CommitAsync(
            Change() with { Operations = [.. (n % 2 == 0 ? ids : ids.Reverse()).Select(id => Operation(id, id))] })));

        Assert.Single(results, result => result.Status == CommitStatus.Committed);
        Assert.Equal(19, results.Count(result => result.Status == CommitStatus.OperationExists));
        await AssertChainIsWholeAsync(2);
    }

    private PolicyChange Admissions(long revision, params string[] ids) => Change() with
    {
        Audit = [.. ids.Select(id => Entry("admission.taken", "admission") with { Reason = id })],
        Operations = [.. ids.Select(id => Operation(id, id))],
        Admission = new AdmissionWrite(Admission.AdmissionState.Full(Now), new Admission.UpdateLimits(), revision),
    };
}
