using System.Text.RegularExpressions;

namespace OrleansPolicy.Silo.Tests;

/// <summary>What the document says is shown by tests is shown by tests that exist.</summary>
public sealed partial class HotReloadDocTests
{
    [Fact]
    public async Task Every_test_that_the_document_names_is_there()
    {
        var named = TestName().Matches(await File.ReadAllTextAsync(Repository.PathOf("docs/HOT_RELOAD.md"), TestContext.Current.CancellationToken))
            .Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        Assert.True(named.Count > 20, $"The document names {named.Count} tests.");

        var sources = Directory.EnumerateFiles(Repository.PathOf("tests"), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText);
        var methods = sources.SelectMany(source => Method().Matches(source).Select(match => match.Groups[1].Value)).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(named.Except(methods));
    }

    // A test's name is a sentence: a capital, and at least two underscores.
    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){2,})`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"public (?:async Task|void) ([A-Za-z0-9_]+)\(")]
    private static partial Regex Method();
}
