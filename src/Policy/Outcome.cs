using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace OrleansPolicy;

/// <summary>One thing that is wrong, in a form that people and programs can both use.</summary>
/// <param name="Code">Stable and dotted, such as <c>bundle.unsigned</c>. Callers branch on it; it never changes its meaning.</param>
/// <param name="Message">One sentence for a person, with the numbers that matter.</param>
/// <param name="Path">A JSON path into the input, <c>$</c> where the whole of it is meant.</param>
public sealed record Problem(string Code, string Message, string Path = "$");

/// <summary>
/// The result of an operation that can fail in expected ways. Expected failures are values, never exceptions: an exception
/// that crosses a grain call loses its type and its code.
/// </summary>
/// <param name="Value">The result; null exactly when <paramref name="Problems"/> has an element.</param>
/// <param name="Problems">Everything that is wrong, all at once; the first one gives the answer its code.</param>
/// <param name="RetryAfter">Set on a refusal that a later try may not meet (admission).</param>
public sealed record Outcome<T>(T? Value, ImmutableArray<Problem> Problems, TimeSpan? RetryAfter = null)
{
    /// <summary>Whether <see cref="Value"/> is there.</summary>
    [MemberNotNullWhen(true, nameof(Value))]
    public bool Succeeded => Problems.IsDefaultOrEmpty;

    /// <summary>A success.</summary>
    public static Outcome<T> Ok(T value) => new(value, []);

    /// <summary>A failure with one problem.</summary>
    public static Outcome<T> Fail(string code, string message, string path = "$") => new(default, [new Problem(code, message, path)]);

    /// <summary>A failure with everything that was found; at least one.</summary>
    public static Outcome<T> Fail(ImmutableArray<Problem> problems) =>
        problems.IsDefaultOrEmpty ? throw new ArgumentException("A failure names a problem.", nameof(problems)) : new(default, problems);

    /// <summary>The same failure for another result type.</summary>
    public Outcome<TOther> As<TOther>() =>
        Succeeded ? throw new InvalidOperationException("Only a failure can change its type.") : new(default, Problems, RetryAfter);
}
