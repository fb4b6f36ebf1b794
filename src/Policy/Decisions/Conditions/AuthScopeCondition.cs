namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Unison's <c>auth_scope</c>: <c>context.auth_scope</c>, or <c>context.policy_context.scopes</c> where that is empty.</summary>
internal sealed class AuthScopeCondition(UnisonOperand operand, PathTable paths) : Condition
{
    private readonly InputPath authScope = paths.Place("auth_scope");
    private readonly InputPath scopes = paths.Place("policy_context", "scopes");

    public UnisonOperand Operand => operand;

    public override string Text => $"auth_scope is {operand.Written}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        evaluation.Find(authScope, out var scope);
        if (!PythonValue.IsTruthy(scope) && evaluation.FindInObject(scopes, out scope) == Truth.Error)
        {
            return Truth.Error;
        }

        return operand.Matches(scope) ? Truth.Yes : Truth.No;
    }
}
