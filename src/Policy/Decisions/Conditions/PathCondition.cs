using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// Holds when every test holds for the value at a path. With <c>[*]</c>, when all tests hold for one member; where the way ends
/// before a list, the tests are held against nothing.
/// </summary>
internal sealed class PathCondition(PathPattern path, ValueTest[] tests) : Condition
{
    private const int CapabilityBytesOnStack = 256;

    private readonly InputPath? place = path.Place;
    private readonly bool isSinglePlace = path.IsSinglePlace;

    public PathPattern Path => path;

    public ImmutableArray<ValueTest> Tests => ImmutableCollectionsMarshal.AsImmutableArray(tests);

    public override string Text => path.Text + " " + string.Join(" and ", tests.Select(t => t.Text));

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        var truth = place is null ? CheckCapability(ref evaluation) : CheckPlace(place, ref evaluation);
        return truth == Truth.Error ? evaluation.Fail($"{path.Text} {evaluation.Fault}") : truth;
    }

    private Truth CheckCapability(ref Evaluation evaluation)
    {
        var length = Encoding.UTF8.GetMaxByteCount(evaluation.Capability.Length) + 2;
        var buffer = length <= CapabilityBytesOnStack ? stackalloc byte[CapabilityBytesOnStack] : new byte[length];
        scoped var value = default(InputValue);
        value.SetText(evaluation.Capability, buffer);
        return CheckValue(value, ref evaluation);
    }

    private Truth CheckPlace(InputPath found, ref Evaluation evaluation)
    {
        evaluation.Find(found, out var value);
        return isSinglePlace ? CheckValue(value, ref evaluation) : CheckMembers(0, value, ref evaluation);
    }

    private Truth CheckValue(in InputValue value, ref Evaluation evaluation)
    {
        foreach (var test in tests)
        {
            if (test.Check(value, ref evaluation) is var truth and not Truth.Yes)
            {
                return truth;
            }
        }

        return Truth.Yes;
    }

    private Truth CheckMembers(int star, in InputValue list, ref Evaluation evaluation)
    {
        var value = default(InputValue);
        if (!list.IsList)
        {
            return CheckValue(value, ref evaluation);
        }

        foreach (var member in list)
        {
            var at = member;
            foreach (var step in path.Rest[star])
            {
                at = at < 0 ? at : step.Step(evaluation.Context, at);
            }

            value.Set(evaluation.Context, at);
            var truth = star + 1 < path.Rest.Length ? CheckMembers(star + 1, value, ref evaluation) : CheckValue(value, ref evaluation);
            if (truth != Truth.No)
            {
                return truth;
            }
        }

        return Truth.No;
    }
}
