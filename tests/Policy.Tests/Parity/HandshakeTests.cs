using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Policy.Tests.Parity;

public sealed class HandshakeTests
{
    private static readonly string Mine = new('a', 64);
    private static readonly string Other = new('b', 64);

    [Fact]
    public void Three_attempts_wait_500_and_1000_ms_and_five_seconds_for_an_answer()
    {
        Assert.Equal(3, Handshake.Attempts);
        Assert.Equal(TimeSpan.FromSeconds(5), Handshake.Timeout);
        Assert.Equal([500.0, 1000.0], [Handshake.PauseAfter(1).TotalMilliseconds, Handshake.PauseAfter(2).TotalMilliseconds]);
    }

    [Fact]
    public void Equal_hashes_succeed_and_others_are_a_mismatch_that_names_both()
    {
        var equal = Handshake.Compare("brain", Mine, Mine, "policy_hash")!;
        var differing = Handshake.Compare("brain", Mine, Other, "document_hash")!;

        Assert.Equal((true, null, Mine, "policy_hash"), (equal.Success, equal.Error, equal.RemoteHash, equal.HashKind));
        Assert.Equal((false, "parity.mismatch", "document_hash"), (differing.Success, differing.Code, differing.HashKind));
        Assert.Equal($"Policy hash mismatch: brain has {Mine}, the other members have {Other}", differing.Error);
    }

    [Fact]
    public void Another_case_is_another_hash() => Assert.False(Handshake.Compare("brain", Mine, Mine.ToUpperInvariant(), "policy_hash")!.Success);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void An_answer_without_a_hash_is_no_answer(string? remote) => Assert.Null(Handshake.Compare("brain", Mine, remote, null));

    [Fact]
    public void Giving_up_says_how_often_it_was_tried_and_what_went_wrong_last()
    {
        var failed = Handshake.GiveUp(Mine, 3, Handshake.NoHash);

        Assert.Equal((false, "parity.no_answer", null), (failed.Success, failed.Code, failed.RemoteHash));
        Assert.Equal("Failed to get the policy hash of the other members after 3 attempts: Invalid response: missing policy_hash field", failed.Error);
    }

    [Theory]
    [InlineData("g", "execution", "g", "brain", true)]
    [InlineData("g", null, "g", "brain", true)]
    [InlineData("g", "brain", "g", "brain", false)]
    [InlineData("h", "execution", "g", "brain", false)]
    [InlineData(null, "execution", "g", "brain", false)]
    [InlineData(null, "execution", null, "brain", true)]
    [InlineData("g", "brain", "g", null, true)]
    public void Members_of_the_same_group_and_of_another_role_answer(string? group, string? role, string? askersGroup, string? askersRole, bool answers) =>
        Assert.Equal(answers, HandshakeMembers.Answers(Record("other", group, role), Record("asker", askersGroup, askersRole), askersRole));

    [Fact]
    public void Nobody_answers_for_himself() =>
        Assert.False(HandshakeMembers.Answers(Record("asker", "g", null), Record("asker", "g", null), null));

    [Fact]
    public void All_live_members_must_have_said_the_very_hash()
    {
        var verdict = Judge(Member("e-1", NodeState.Live, Mine), Member("e-2", NodeState.Live, Mine));

        Assert.Equal((true, Mine, "policy_hash"), (verdict.Success, verdict.RemoteHash, verdict.HashKind));
    }

    [Fact]
    public void One_of_several_that_differs_is_a_mismatch_whatever_the_others_lack()
    {
        var verdict = Judge(
            Member("e-0", NodeState.Live, null), Member("e-1", NodeState.Live, Mine),
            Member("e-2", NodeState.Live, Other) with { HashKind = Handshake.DocumentHashKind });

        Assert.Equal(("parity.mismatch", Other, "document_hash"), (verdict.Code, verdict.RemoteHash, verdict.HashKind));
        Assert.Equal($"Policy hash mismatch: brain has {Mine}, e-2 has {Other}", verdict.Message);
    }

    [Fact]
    public void Who_is_on_its_way_to_the_hash_has_not_answered_yet()
    {
        var coming = Judge(Member("e-1", NodeState.Live, Other, coming: Mine));
        var elsewhere = Judge(Member("e-1", NodeState.Live, Other, coming: new string('c', 64)));

        Assert.Equal(("parity.no_answer", null), (coming.Code, coming.RemoteHash));
        Assert.Contains("still changing to " + Mine, coming.Message, StringComparison.Ordinal);
        Assert.Equal("parity.mismatch", elsewhere.Code);
    }

    [Fact]
    public void A_live_member_that_said_nothing_keeps_the_answer_open()
    {
        var verdict = Judge(Member("e-1", NodeState.Live, Mine), Member("e-2", NodeState.Live, null));

        Assert.Equal("parity.no_answer", verdict.Code);
        Assert.Contains("e-2 has not said", verdict.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("b", "parity.no_answer")]
    [InlineData("a", null)]
    [InlineData(null, null)]
    public void A_silent_members_last_word_keeps_the_answer_open_where_it_differs(string? last, string? code) =>
        Assert.Equal(code, Judge(Member("e-1", NodeState.Live, Mine), Member("e-2", NodeState.Silent, last is null ? null : new string(last[0], 64))).Code);

    [Theory]
    [InlineData(NodeState.Fenced)]
    [InlineData(NodeState.Left)]
    public void Who_serves_nobody_is_not_asked(NodeState state)
    {
        Assert.True(Judge(Member("e-1", NodeState.Live, Mine), Member("e-2", state, Other)).Success);
        Assert.Equal("parity.no_answer", Judge(Member("e-2", state, Mine)).Code);
    }

    [Fact]
    public void Silent_members_alone_are_no_answer_even_where_their_last_word_agrees() =>
        Assert.Equal("parity.no_answer", Judge(Member("e-1", NodeState.Silent, Mine)).Code);

    private static HandshakeVerdict Judge(params ImmutableArray<HandshakeMember> members) => HandshakeMembers.Judge("brain", Mine, members);

    private static HandshakeMember Member(string node, NodeState state, string? hash, string? coming = null) => new(node, "execution", state, hash, coming);

    private static NodeRecord Record(string node, string? group, string? role) =>
        new() { Node = node, ParityGroup = group, Role = role, Registration = 1, RegisteredAt = DateTimeOffset.UnixEpoch };
}
