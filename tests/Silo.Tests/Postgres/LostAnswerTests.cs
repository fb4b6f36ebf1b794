using OrleansPolicy.Admission;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Contracts;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>Admissions that are durable, and whose answer is lost on its way.</summary>
public sealed class LostAnswerTests(StoreDatabase database) : StoreContract, IClassFixture<StoreDatabase>
{
    protected override StoreUnderTest Store { get; } = database.Open();

    [Fact]
    public async Task An_admission_that_nobody_could_ask_for_again_is_unknown_and_not_taken_twice()
    {
        await using var way = new LostAnswers(database.ConnectionString);
        await using var dataSource = PolicyDatabase.CreateDataSource(way.ConnectionString, poolSizeMax: 1);
        var store = new PostgresRolloutStore(dataSource, Store.Clock);
        await PrepareAsync(store);

        way.LoseNext();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CommitAsync(Admitted(1)));

        Assert.Equal(1, way.Lost);
        Assert.Equal(2, (await Store.Rollouts.ReadAdmissionAsync(Tenant))!.Revision);
        await AssertChainIsWholeAsync(3);
        Assert.Equal(CommitStatus.Stale, (await store.CommitAsync(Admitted(1))).Status);
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(Admitted(2))).Status);
    }

    [Fact]
    public async Task An_admission_with_an_operation_is_made_again_and_found_to_be_done()
    {
        await using var way = new LostAnswers(database.ConnectionString);
        await using var dataSource = PolicyDatabase.CreateDataSource(way.ConnectionString, poolSizeMax: 1);
        var store = new PostgresRolloutStore(dataSource, Store.Clock);
        await PrepareAsync(store);

        way.LoseNext();
        var result = await store.CommitAsync(Admitted(1) with { Operation = Operation() });

        Assert.Equal((1, CommitStatus.OperationExists), (way.Lost, result.Status));
        Assert.Equal(2, (await Store.Rollouts.ReadAdmissionAsync(Tenant))!.Revision);
        await AssertChainIsWholeAsync(3);
    }

    [Fact]
    public async Task Where_one_of_those_that_are_taken_together_has_no_operation_none_is_made_again()
    {
        await using var way = new LostAnswers(database.ConnectionString);
        await using var dataSource = PolicyDatabase.CreateDataSource(way.ConnectionString, poolSizeMax: 1);
        var store = new PostgresRolloutStore(dataSource, Store.Clock);
        await PrepareAsync(store);

        way.LoseNext();
        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => store.CommitAsync(Admitted(1) with { Audit = [Entry("admission.taken"), Entry("admission.taken")], Operation = Operation() }));

        Assert.Equal(2, (await Store.Rollouts.ReadAdmissionAsync(Tenant))!.Revision);
        await AssertChainIsWholeAsync(4);
    }

    // The tenant, and its first admission: from then on the store knows where the chain ends, and one statement does the next.
    private async Task PrepareAsync(PostgresRolloutStore store)
    {
        await MakeTenantAsync();
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(Admitted(0))).Status);
    }

    private PolicyChange Admitted(long revision) =>
        Change() with { Audit = [Entry("admission.taken")], Admission = new AdmissionWrite(AdmissionState.Full(Now), new UpdateLimits(), revision) };
}
