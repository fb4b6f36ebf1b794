using OrleansPolicy.Audit;

namespace OrleansPolicy.Policy.Tests.Audit;

public sealed class ActorTests
{
    private static readonly Actor Root = new(Actor.FirstAdminSubject, "http", "k0");

    [Fact]
    public void Two_people_with_keys_from_the_first_admin_are_different_people() =>
        Assert.True(Key("alice", Actor.FirstAdminSubject).IsAnotherPersonThan(Key("bob", Actor.FirstAdminSubject)));

    [Fact]
    public void Two_keys_of_one_subject_are_the_same_person() =>
        Assert.False(Key("alice", Actor.FirstAdminSubject).IsAnotherPersonThan(Key("alice", Actor.FirstAdminSubject)));

    [Fact]
    public void Nobody_approves_with_a_key_that_the_author_made()
    {
        var bob = Key("bob", Actor.FirstAdminSubject, "alice");
        Assert.False(bob.IsAnotherPersonThan(Key("alice", Actor.FirstAdminSubject)));
        Assert.False(Key("alice", Actor.FirstAdminSubject).IsAnotherPersonThan(bob));
        Assert.False(Key("bob", Actor.FirstAdminSubject).IsAnotherPersonThan(Root));
    }

    [Fact]
    public void Two_keys_that_one_admin_made_are_not_certainly_different_people() =>
        Assert.False(Key("p1", Actor.FirstAdminSubject, "alice").IsAnotherPersonThan(Key("p2", Actor.FirstAdminSubject, "alice")));

    [Fact]
    public void Every_key_of_the_first_admins_name_is_the_first_admin()
    {
        var second = Key(Actor.FirstAdminSubject, Actor.FirstAdminSubject);
        var byAlice = Key(Actor.FirstAdminSubject, Actor.FirstAdminSubject, "alice");

        Assert.False(second.IsAnotherPersonThan(Root));
        Assert.False(Root.IsAnotherPersonThan(second));
        Assert.False(Root.IsAnotherPersonThan(Root with { KeyId = "made anew" }));
        Assert.False(byAlice.IsAnotherPersonThan(second));
        Assert.False(byAlice.IsAnotherPersonThan(Key("bob", Actor.FirstAdminSubject)));
    }

    private static Actor Key(string subject, params string[] creators) => new(subject, "http", "k-" + subject, [.. creators]);
}
