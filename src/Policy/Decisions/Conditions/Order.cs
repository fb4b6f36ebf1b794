namespace OrleansPolicy.Decisions.Conditions;

/// <summary>How the input must compare to the bound.</summary>
internal enum Order
{
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}
