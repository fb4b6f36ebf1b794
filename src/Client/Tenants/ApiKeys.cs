namespace OrleansPolicy.Client;

/// <summary>A key to be made.</summary>
public sealed record NewKey
{
    /// <summary>A name for people.</summary>
    public required string Name { get; init; }

    /// <summary>The person or program that it belongs to: "another person" compares this.</summary>
    public required string Subject { get; init; }

    /// <summary>viewer, publisher, operator, approver, relay, node or admin.</summary>
    public required string Role { get; init; }

    /// <summary>For relay and node: the one fleet it acts for.</summary>
    public string? Fleet { get; init; }

    /// <summary>For node: the one node it acts for.</summary>
    public string? Node { get; init; }

    /// <summary>When it stops working; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>A key that was made.</summary>
/// <param name="Id">Its id, not a secret.</param>
/// <param name="Key">The secret, shown this once.</param>
public sealed record MadeKey(string Id, string Key)
{
    /// <summary>The same, once it is sure that the secret is there.</summary>
    internal MadeKey WithSecret() => Key is { Length: > 0 }
        ? this
        : throw new PolicyApiException(200, "key.not_shown", $"Key {Id} was made, but the answer with its secret was lost: revoke it and make another.");
}

/// <summary>A key as it is listed: without its secret.</summary>
public sealed record KeyInfo
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <inheritdoc cref="NewKey.Name"/>
    public required string Name { get; init; }

    /// <inheritdoc cref="NewKey.Subject"/>
    public required string Subject { get; init; }

    /// <inheritdoc cref="NewKey.Role"/>
    public required string Role { get; init; }

    /// <inheritdoc cref="NewKey.Fleet"/>
    public string? Fleet { get; init; }

    /// <inheritdoc cref="NewKey.Node"/>
    public string? Node { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <inheritdoc cref="NewKey.ExpiresAt"/>
    public DateTimeOffset? ExpiresAt { get; init; }
}
