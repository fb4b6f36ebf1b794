using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class RegistrationRulesTests
{
    private static readonly NodeRegistration Sound = new() { Node = "gw-1" };

    [Fact]
    public void A_sound_registration_is_taken() =>
        Assert.Empty(RegistrationRules.Validate([Sound, Sound with { Node = "gw-2", Role = "brain", Labels = Label("zone", "a") }]));

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once()
    {
        var codes = RegistrationRules.Validate([Sound with { Node = "GW", FailureDomain = "", Role = "/", ParityGroup = "PAIR", Labels = Label("A", "x") }])
            .Select(problem => (problem.Code, problem.Path));
        Assert.Equal(
            [
                ("name.invalid", "$.node"), ("name.invalid", "$.failure_domain"), ("name.invalid", "$.role"), ("name.invalid", "$.parity_group"),
                ("node.labels", "$.labels"),
            ],
            codes);
    }

    [Fact]
    public void A_node_is_asked_for_once_and_the_place_is_named()
    {
        var problem = Assert.Single(RegistrationRules.Validate([Sound, Sound]));
        Assert.Equal(("node.duplicate", "$[1].node"), (problem.Code, problem.Path));
    }

    [Fact]
    public void Labels_have_their_bounds()
    {
        Assert.Single(RegistrationRules.Validate([Sound with { Labels = null! }]));
        Assert.Single(RegistrationRules.Validate([Sound with { Labels = Label("zone", new string('z', RegistrationRules.LabelLengthMax + 1)) }]));
        Assert.Single(RegistrationRules.Validate([Sound with { Labels = Label("zone", null!) }]));
        Assert.Single(RegistrationRules.Validate([Sound with { Labels = Enumerable.Range(0, RegistrationRules.LabelsMax + 1).ToImmutableSortedDictionary(i => $"l{i}", _ => "x") }]));
    }

    [Fact]
    public void A_batch_has_its_bound() =>
        Assert.Equal("node.batch_size", Assert.Single(RegistrationRules.Validate([.. Enumerable.Repeat(Sound, RegistrationRules.BatchMax + 1)])).Code);

    [Fact]
    public void A_node_without_a_name_is_no_duplicate() =>
        Assert.All(RegistrationRules.Validate([Sound with { Node = null! }, Sound with { Node = null! }]), problem => Assert.Equal("name.invalid", problem.Code));

    private static ImmutableSortedDictionary<string, string> Label(string name, string value) =>
        ImmutableSortedDictionary<string, string>.Empty.Add(name, value);
}
