namespace Orleans.Concurrency;

/// <summary>Names a <c>bool</c> method of the class over <see cref="Serialization.Invocation.IInvokable"/> that decides which requests interleave.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class MayInterleaveAttribute(string callbackMethodName) : Attribute
{
    internal string CallbackMethodName { get; } = callbackMethodName;
}
