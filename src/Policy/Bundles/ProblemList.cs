using System.Collections.Immutable;

namespace OrleansPolicy.Bundles;

/// <summary>Gathers everything that is wrong, up to <see cref="BundleLimits.ProblemsMax"/>.</summary>
internal sealed class ProblemList
{
    private readonly ImmutableArray<Problem>.Builder problems = ImmutableArray.CreateBuilder<Problem>();

    public int Count => problems.Count;

    public bool IsFull => problems.Count >= BundleLimits.ProblemsMax;

    public void Add(string code, string message, string path)
    {
        if (!IsFull)
        {
            problems.Add(new Problem(code, message, path));
        }
    }

    public void AddRange(IEnumerable<Problem> others)
    {
        foreach (var problem in others)
        {
            Add(problem.Code, problem.Message, problem.Path);
        }
    }

    public ImmutableArray<Problem> ToImmutable() => problems.ToImmutable();
}
