using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// Unison's <c>target.device_class</c>: <c>context.action_envelope.target.device_class</c>. An envelope or a target that is no
/// object counts as absent there, and matches nothing.
/// </summary>
internal sealed class DeviceClassCondition(UnisonOperand operand, PathTable paths) : Condition
{
    private readonly InputPath target = paths.Place("action_envelope", "target");
    private readonly InputPath deviceClass = paths.Place("action_envelope", "target", "device_class");

    public UnisonOperand Operand => operand;

    public override string Text => $"target.device_class is {operand.Written}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        evaluation.Find(target, out var device);
        evaluation.Find(deviceClass, out var value);
        return device.Kind == JsonValueKind.Object && operand.Matches(value) ? Truth.Yes : Truth.No;
    }
}
