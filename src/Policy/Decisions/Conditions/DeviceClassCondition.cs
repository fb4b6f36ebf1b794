using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Unison's <c>target.device_class</c>: <c>context.action_envelope.target.device_class</c>.</summary>
internal sealed class DeviceClassCondition(UnisonOperand operand) : Condition
{
    public override string Text => $"target.device_class is {operand.Written}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        var target = ActionEnvelope.Member(evaluation.Context, "target"u8);
        if (target.ValueKind != JsonValueKind.Object)
        {
            return Truth.No;
        }

        target.TryGetProperty("device_class"u8, out var deviceClass);
        return operand.Matches(deviceClass) ? Truth.Yes : Truth.No;
    }
}
