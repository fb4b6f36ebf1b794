using System.Text.RegularExpressions;

namespace OrleansPolicy.Silo.Tests;

/// <summary>What the document says is shown by tests is shown by tests that exist.</summary>
public sealed partial class HotReloadDocTests
{
    [Fact]
    public async Task Every_test_that_the_document_names_is_there()
    {
        var named = await NamedAsync();

        Assert.NotEmpty(named);
        Assert.Empty(named.Except(MethodsOf("tests")));
    }

    [Fact]
    public async Task This_list_names_more_than_15_unit_tests_and_5_integration_tests()
    {
        var named = await NamedAsync();

        Assert.InRange(named.Count(MethodsOf("tests/Client.Tests").Contains), 15, int.MaxValue);
        Assert.InRange(named.Count(MethodsOf("tests/Silo.Tests").Contains), 5, int.MaxValue);
    }

    private static async Task<HashSet<string>> NamedAsync() =>
        TestName().Matches(await File.ReadAllTextAsync(Repository.PathOf("docs/HOT_RELOAD.md"), TestContext.Current.CancellationToken))
            .Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);

    private static HashSet<string> MethodsOf(string folder) =>
        Directory.EnumerateFiles(Repository.PathOf(folder), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText)
            .SelectMany(source => Method().Matches(source).Select(match => match.Groups[1].Value)).ToHashSet(StringComparer.Ordinal);

    // A test's name is a sentence: a capital, and at least two underscores.
    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){2,})`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"public (?:async Task|void) ([A-Za-z0-9_]+)\(")]
    private static partial Regex Method();
}
