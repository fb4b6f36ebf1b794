namespace OrleansPolicy.Silo.Http;

/// <summary>Outcomes as HTTP answers. <see cref="ProblemStatus"/> knows which status a code has; nothing else does.</summary>
public static class Answers
{
    /// <summary>200 with the value, or the problems.</summary>
    public static IResult Answer<T>(this Outcome<T> outcome) => outcome.Answer(value => value);

    /// <summary>A status with what is shown of the value, or the problems.</summary>
    public static IResult Answer<T>(this Outcome<T> outcome, Func<T, object?> show, int status = StatusCodes.Status200OK)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        ArgumentNullException.ThrowIfNull(show);
        return outcome.Succeeded ? new JsonAnswer(show(outcome.Value), status) : outcome.Refusal();
    }

    /// <summary>The problems of a failure.</summary>
    public static ProblemAnswer Refusal<T>(this Outcome<T> outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        return new ProblemAnswer(outcome.Problems, outcome.RetryAfter);
    }

    /// <summary>200 with a value.</summary>
    public static JsonAnswer Ok(object value) => new(value);
}
