namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Unison's <c>auth_scope</c>: <c>context.auth_scope</c>, or <c>context.policy_context.scopes</c> where that is empty.</summary>
internal sealed class AuthScopeCondition(UnisonOperand operand) : Condition
{
    public override string Text => $"auth_scope is {operand.Written}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        evaluation.TryMember(evaluation.Context, "auth_scope"u8, "context", out var scope);
        if (!PythonValue.IsTruthy(scope))
        {
            evaluation.TryMember(evaluation.Context, "policy_context"u8, "context", out var policyContext);
            if (evaluation.TryMember(policyContext, "scopes"u8, "context.policy_context", out scope) == Truth.Error)
            {
                return Truth.Error;
            }
        }

        return operand.Matches(scope) ? Truth.Yes : Truth.No;
    }
}
