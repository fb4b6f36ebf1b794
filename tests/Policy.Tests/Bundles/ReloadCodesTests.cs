using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class ReloadCodesTests
{
    [Theory]
    [InlineData("bundle.too_large", "reload.file")]
    [InlineData("bundle.malformed", "reload.json")]
    [InlineData("bundle.too_deep", "reload.json")]
    [InlineData("bundle.surrogate", "reload.json")]
    [InlineData("bundle.number", "reload.json")]
    [InlineData("bundle.metadata", "reload.structure")]
    [InlineData("bundle.metadata.version", "reload.structure")]
    [InlineData("bundle.policies", "reload.structure")]
    [InlineData("bundle.document", "reload.structure")]
    [InlineData("bundle.unknown_field", "reload.structure")]
    [InlineData("bundle.unsigned", "reload.signature")]
    [InlineData("bundle.signature.type", "reload.signature")]
    [InlineData("bundle.signature_invalid", "reload.signature")]
    [InlineData("bundle.hash_mismatch", "reload.signature")]
    [InlineData("bundle.key_unknown", "reload.signature")]
    [InlineData("bundle.key_compromised", "reload.signature")]
    [InlineData("bundle.below_threshold", "reload.signature")]
    [InlineData("trust.unset", "reload.signature")]
    [InlineData("bundle.expired", "reload.expiry")]
    [InlineData("bundle.replayed", "reload.sequence")]
    [InlineData("bundle.empty", "reload.rules")]
    [InlineData("bundle.too_many_rules", "reload.rules")]
    [InlineData("bundle.rule.effect", "reload.rules")]
    [InlineData("node.not_accepted", "reload.refused")]
    [InlineData("fleet.file_mode", "reload.refused")]
    [InlineData("node.hash_mismatch", "reload.fetch")]
    [InlineData("node.content_url_refused", "reload.fetch")]
    [InlineData("http.404", "reload.fetch")]
    [InlineData("reload.audit", "reload.audit")]
    [InlineData("reload.managed", "reload.managed")]
    public void Every_problem_belongs_to_one_part(string problem, string part) => Assert.Equal(part, ReloadCodes.Of(problem));
}
