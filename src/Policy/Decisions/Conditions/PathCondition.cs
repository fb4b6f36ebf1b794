using System.Collections.Immutable;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Holds when every test holds for the value at a path.</summary>
internal sealed class PathCondition(InputPath path, ImmutableArray<ValueTest> tests) : Condition
{
    public override string Text => path.Text + " " + string.Join(" and ", tests.Select(t => t.Text));

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        var truth = path.IsCapability ? CheckCapability(ref evaluation) : path.Check(tests, ref evaluation);
        return truth == Truth.Error ? evaluation.Fail($"{path.Text} {evaluation.Fault}") : truth;
    }

    private Truth CheckCapability(ref Evaluation evaluation)
    {
        foreach (var test in tests)
        {
            if (test.CheckCapability(ref evaluation) is var truth and not Truth.Yes)
            {
                return truth;
            }
        }

        return Truth.Yes;
    }
}
