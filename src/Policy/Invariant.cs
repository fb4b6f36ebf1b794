using System.Diagnostics.CodeAnalysis;

namespace OrleansPolicy;

/// <summary>What must hold whatever happens. Checked in production too: a control plane that is wrong about itself must stop, not go on.</summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantViolationException"/> where the condition does not hold.</summary>
    /// <param name="condition">What must hold.</param>
    /// <param name="name">The invariant's stable name, such as <c>INV-RWG-STAGED</c>.</param>
    /// <param name="statement">What it says, for the log.</param>
    public static void Holds([DoesNotReturnIf(false)] bool condition, string name, string statement)
    {
        if (!condition)
        {
            throw new InvariantViolationException($"{name}: {statement}");
        }
    }
}

/// <summary>An invariant did not hold: a defect of this program, never of its input.</summary>
public sealed class InvariantViolationException : Exception
{
    /// <summary>With the invariant's name and statement.</summary>
    public InvariantViolationException(string message)
        : base(message)
    {
    }

    /// <summary>Required by convention.</summary>
    public InvariantViolationException()
    {
    }

    /// <summary>Required by convention.</summary>
    public InvariantViolationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
