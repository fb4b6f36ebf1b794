using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// A place in the input: <c>capability_id</c>, or a walk through <c>context</c> by names, list positions and <c>[*]</c> (any
/// member of a list): <c>context.request.headers["x-env"]</c>, <c>context.roles[0]</c>, <c>context.items[*].price</c>.
/// </summary>
internal sealed class InputPath
{
    private const int LengthMax = 512;

    private readonly ImmutableArray<Step> steps;

    private InputPath(string text, bool isCapability, ImmutableArray<Step> steps)
    {
        Text = text;
        IsCapability = isCapability;
        this.steps = steps;
    }

    public string Text { get; }

    public bool IsCapability { get; }

    /// <summary>Null where the text is no path.</summary>
    public static InputPath? TryParse(string text)
    {
        if (text == "capability_id")
        {
            return new InputPath(text, isCapability: true, []);
        }

        const string root = "context";
        if (text.Length > LengthMax || !text.StartsWith(root, StringComparison.Ordinal))
        {
            return null;
        }

        var steps = ImmutableArray.CreateBuilder<Step>();
        var rest = text.AsSpan(root.Length);
        while (rest.Length > 0)
        {
            if (!TryReadStep(ref rest, out var step))
            {
                return null;
            }

            steps.Add(step.Value);
        }

        return new InputPath(text, isCapability: false, steps.ToImmutable());
    }

    /// <summary>
    /// Holds the tests against what is there. With <c>[*]</c>, against each member in turn until all tests hold for one;
    /// where the walk ends early, against nothing.
    /// </summary>
    public Truth Check(ImmutableArray<ValueTest> tests, ref Evaluation evaluation) => Check(tests, 0, evaluation.Context, ref evaluation);

    private Truth Check(ImmutableArray<ValueTest> tests, int index, JsonElement element, ref Evaluation evaluation)
    {
        for (; index < steps.Length; index++)
        {
            var step = steps[index];
            if (step.Name is { } name)
            {
                if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                {
                    return ValueTest.CheckAll(tests, default, ref evaluation);
                }
            }
            else if (element.ValueKind != JsonValueKind.Array)
            {
                return ValueTest.CheckAll(tests, default, ref evaluation);
            }
            else if (step.Index == Step.Any)
            {
                return CheckAnyMember(tests, index + 1, element, ref evaluation);
            }
            else if (step.Index >= element.GetArrayLength())
            {
                return ValueTest.CheckAll(tests, default, ref evaluation);
            }
            else
            {
                element = element[step.Index];
            }
        }

        return ValueTest.CheckAll(tests, element, ref evaluation);
    }

    private Truth CheckAnyMember(ImmutableArray<ValueTest> tests, int index, JsonElement list, ref Evaluation evaluation)
    {
        foreach (var member in list.EnumerateArray())
        {
            if (Check(tests, index, member, ref evaluation) is var truth and not Truth.No)
            {
                return truth;
            }
        }

        return Truth.No;
    }

    private static bool TryReadStep(ref ReadOnlySpan<char> rest, [NotNullWhen(true)] out Step? step)
    {
        step = null;
        if (rest[0] == '.')
        {
            var end = rest[1..].IndexOfAny('.', '[');
            var name = end < 0 ? rest[1..] : rest.Slice(1, end);
            rest = rest[(name.Length + 1)..];
            step = name.Length == 0 || name.ContainsAny("]\" ") ? null : Step.Of(name.ToString());
        }
        else if (rest.StartsWith("[*]"))
        {
            rest = rest[3..];
            step = new Step(null, Step.Any);
        }
        else if (rest.StartsWith("[\""))
        {
            var end = rest[2..].IndexOf("\"]");
            step = end > 0 ? Step.Of(rest.Slice(2, end).ToString()) : null;
            rest = end > 0 ? rest[(end + 4)..] : rest;
        }
        else if (rest[0] == '[' && rest.IndexOf(']') is > 1 and <= 7 and var end && rest[1..end].IndexOfAnyExceptInRange('0', '9') < 0)
        {
            step = new Step(null, int.Parse(rest[1..end], System.Globalization.CultureInfo.InvariantCulture));
            rest = rest[(end + 1)..];
        }

        return step is not null;
    }

    private readonly record struct Step(byte[]? Name, int Index)
    {
        public const int Any = -1;

        public static Step Of(string name) => new(Encoding.UTF8.GetBytes(name), 0);
    }
}
