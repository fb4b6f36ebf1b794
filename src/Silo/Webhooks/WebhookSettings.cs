using System.Collections.Immutable;
using System.Net;

namespace OrleansPolicy.Silo.Webhooks;

/// <summary>How webhooks are sent.</summary>
public sealed record WebhookSettings
{
    /// <summary>
    /// Networks that are not the world's and to which webhooks may go all the same, over plain http too. Default: none, so that no tenant can
    /// have a service called that only this process reaches.
    /// </summary>
    public ImmutableArray<IPNetwork> AllowedNetworks { get; init; } = [];

    /// <summary>How long a receiver may take, from the look-up of its name to the head of its answer. Default: 5 s.</summary>
    public TimeSpan AnswerWithin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The wait after the first failure, at most; it doubles with each further one. Default: 1 s.</summary>
    public TimeSpan RetryFirst { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between two tries. Default: 5 min.</summary>
    public TimeSpan RetryMax { get; init; } = TimeSpan.FromMinutes(5);
}
