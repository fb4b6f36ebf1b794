using OrleansPolicy.Silo.Tests.Contracts;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>The contract of <see cref="CommitContract"/>, kept by PostgreSQL.</summary>
public sealed class PostgresCommitTests(StoreDatabase database) : CommitContract, IClassFixture<StoreDatabase>
{
    protected override StoreUnderTest Store { get; } = database.Open();
}

/// <summary>The contract of <see cref="OperationContract"/>, kept by PostgreSQL.</summary>
public sealed class PostgresOperationTests(StoreDatabase database) : OperationContract, IClassFixture<StoreDatabase>
{
    protected override StoreUnderTest Store { get; } = database.Open();
}

/// <summary>The contract of <see cref="NodeContract"/>, kept by PostgreSQL.</summary>
public sealed class PostgresNodeTests(StoreDatabase database) : NodeContract, IClassFixture<StoreDatabase>
{
    protected override StoreUnderTest Store { get; } = database.Open();
}

/// <summary>The contract of <see cref="FleetReadContract"/>, kept by PostgreSQL.</summary>
public sealed class PostgresFleetReadTests(StoreDatabase database) : FleetReadContract, IClassFixture<StoreDatabase>
{
    protected override StoreUnderTest Store { get; } = database.Open();
}

/// <summary>The contract of <see cref="ReadContract"/>, kept by PostgreSQL.</summary>
public sealed class PostgresReadTests(StoreDatabase database) : ReadContract, IClassFixture<StoreDatabase>
{
    protected override StoreUnderTest Store { get; } = database.Open();
}

/// <summary>The contract of <see cref="ReturnContract"/>, kept by PostgreSQL.</summary>
public sealed class PostgresReturnTests(StoreDatabase database) : ReturnContract, IClassFixture<StoreDatabase>
{
    protected override StoreUnderTest Store { get; } = database.Open();
}
