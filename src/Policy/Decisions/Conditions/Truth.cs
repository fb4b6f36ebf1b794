namespace OrleansPolicy.Decisions.Conditions;

/// <summary>What a condition found. An error is not a no: a deny rule that cannot be evaluated must not be passed over.</summary>
internal enum Truth : byte
{
    No,
    Yes,
    Error,
}
