using System.Reflection;
using Orleans.Concurrency;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>A method of a grain interface: what its attributes say and how to call it.</summary>
internal sealed class GrainMethod
{
    private delegate GrainCall CallFactory(GrainMethod method, GrainId target, object?[] arguments, Participant caller);

    private static readonly MethodInfo s_newFunctionCall =
        typeof(GrainMethod).GetMethod(nameof(NewFunctionCall), BindingFlags.NonPublic | BindingFlags.Static)!;

    private readonly MethodInvoker _invoker;
    private readonly CallFactory _newCall;
    private readonly bool[] _copied;

    public GrainMethod(Type @interface, MethodInfo method)
    {
        Interface = @interface;
        Method = method;
        ReturnType = method.ReturnType;
        AlwaysInterleave = method.IsDefined(typeof(AlwaysInterleaveAttribute), inherit: true);
        ReadOnly = method.IsDefined(typeof(ReadOnlyAttribute), inherit: true);
        OneWay = ReturnType == typeof(void) || method.IsDefined(typeof(OneWayAttribute), inherit: true);
        ResponseTimeout = method.GetCustomAttribute<ResponseTimeoutAttribute>(inherit: true)?.Timeout;
        ResultIsImmutable = method.ReturnParameter.IsDefined(typeof(ImmutableAttribute), inherit: false);
        var parameters = method.GetParameters();
        _copied = [.. parameters.Select(p => !p.IsDefined(typeof(ImmutableAttribute), inherit: false))];
        CancellationIndex = Array.FindIndex(parameters, p => p.ParameterType == typeof(CancellationToken));
        _invoker = MethodInvoker.Create(method);
        _newCall = FactoryFor(ReturnType)
            ?? throw new NotSupportedException($"{@interface}.{method.Name} returns {ReturnType}: a grain method returns a task or a value task.");
    }

    public Type Interface { get; }

    public MethodInfo Method { get; }

    public Type ReturnType { get; }

    public bool AlwaysInterleave { get; }

    public bool ReadOnly { get; }

    public bool OneWay { get; }

    public TimeSpan? ResponseTimeout { get; }

    public bool ResultIsImmutable { get; }

    /// <summary>Where the cancellation token is among the parameters; negative: there is none.</summary>
    public int CancellationIndex { get; }

    /// <summary>What the caller of a one-way method gets.</summary>
    public object? Done => ReturnType == typeof(Task) ? Task.CompletedTask : ReturnType == typeof(ValueTask) ? default(ValueTask) : null;

    public object? Invoke(object instance, object?[] arguments)
    {
        try
        {
            return _invoker.Invoke(instance, arguments.AsSpan());
        }
        catch (TargetInvocationException exception) when (exception.InnerException is { } inner)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(inner);
            throw;
        }
    }

    public GrainCall NewCall(GrainId target, object?[] arguments, Participant caller) => _newCall(this, target, arguments, caller);

    public object?[] Copy(object?[] arguments, GrainCopier copier)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            if (_copied[i])
            {
                arguments[i] = copier.Copy(arguments[i]);
            }
        }

        return arguments;
    }

    private static CallFactory? FactoryFor(Type returnType)
    {
        if (returnType == typeof(void) || returnType == typeof(Task) || returnType == typeof(ValueTask))
        {
            return static (method, target, arguments, caller) => new ActionCall(method, target, arguments, caller);
        }

        if (returnType.IsGenericType && returnType.GetGenericTypeDefinition() is var definition
            && (definition == typeof(Task<>) || definition == typeof(ValueTask<>)))
        {
            return s_newFunctionCall.MakeGenericMethod(returnType.GetGenericArguments()[0]).CreateDelegate<CallFactory>();
        }

        return null;
    }

    private static FunctionCall<T> NewFunctionCall<T>(GrainMethod method, GrainId target, object?[] arguments, Participant caller) =>
        new(method, target, arguments, caller);
}
