using System.Text;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// Unison's <c>policy_context.scopes</c>: some scope of the request equals the rule's, or begins with it once its trailing
/// <c>*</c> and then its trailing dots are taken off. So <c>actuation.home.*</c> also matches <c>actuation.homestead.x</c>.
/// </summary>
internal sealed class ScopesCondition(UnisonOperand operand, PathTable paths) : Condition
{
    private readonly InputPath place = paths.Place("policy_context", "scopes");
    private readonly byte[][] prefixes = [.. operand.Texts.Select(t => Encoding.UTF8.GetBytes(t.TrimEnd('*').TrimEnd('.')))];

    public UnisonOperand Operand => operand;

    public override string Text => $"policy_context.scopes is {operand.Written}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        if (evaluation.FindInObject(place, out var scopes) == Truth.Error)
        {
            return Truth.Error;
        }

        if (!scopes.IsList)
        {
            return Truth.No;
        }

        var scope = default(InputValue);
        foreach (var element in scopes)
        {
            scope.Set(evaluation.Context, element);
            if (operand.Matches(scope) || BeginsWithOne(scope))
            {
                return Truth.Yes;
            }
        }

        return Truth.No;
    }

    private bool BeginsWithOne(in InputValue scope)
    {
        var text = scope.IsText ? scope.Text : Encoding.UTF8.GetBytes(PythonValue.TextOf(scope.ToJson()) ?? "");
        foreach (var prefix in prefixes)
        {
            if (text.StartsWith(prefix))
            {
                return true;
            }
        }

        return false;
    }
}
