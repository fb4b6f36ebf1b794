namespace Orleans.Runtime;

/// <summary>A state that the activation reads before the grain hears of it.</summary>
internal interface IActivationState
{
    Task LoadAsync(CancellationToken cancellationToken);
}
