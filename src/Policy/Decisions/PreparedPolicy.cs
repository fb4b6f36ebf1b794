using OrleansPolicy.Bundles;

namespace OrleansPolicy.Decisions;

/// <summary>A bundle that was verified and compiled: ready to be put in force.</summary>
/// <param name="Bundle">What was read and verified.</param>
/// <param name="Rules">Its rules, compiled.</param>
public sealed record PreparedPolicy(Bundle Bundle, RuleSet Rules)
{
    /// <summary>
    /// Everything between bytes and a swap that needs no clock and no file: reads, verifies, holds against time and sequence, compiles.
    /// Fails with the codes of <see cref="BundleVerifier.Verify(ReadOnlyMemory{byte}, TrustRoot, BundleReadOptions, SigningUse)"/>,
    /// <c>bundle.expired</c>, <c>bundle.replayed</c>; <see cref="ReloadCodes.Of"/> tells which part of the bundle that is.
    /// </summary>
    public static Outcome<PreparedPolicy> Prepare(ReadOnlyMemory<byte> content, TrustRoot root, PreparationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var verified = BundleVerifier.Verify(content, root, new BundleReadOptions { Previous = options.Previous?.Bundle }, SigningUse.Serve);
        if (!verified.Succeeded)
        {
            return verified.As<PreparedPolicy>();
        }

        var metadata = verified.Value.Metadata;
        if (((options.ValidAt is { } at ? BundleChecks.Expiry(metadata.ExpiresAt, at) : null)
            ?? BundleChecks.Sequence(metadata.Sequence, options.HighestSequence)) is { } problem)
        {
            return Outcome<PreparedPolicy>.Fail([problem]);
        }

        var compiled = RuleSet.Compile(verified.Value, options.DefaultEffect);
        return compiled.Succeeded
            ? Outcome<PreparedPolicy>.Ok(new PreparedPolicy(verified.Value, compiled.Value))
            : compiled.As<PreparedPolicy>();
    }
}

/// <summary>What a bundle is held against besides its trust root.</summary>
public sealed record PreparationOptions
{
    /// <summary>What a bundle that does not say decides where no rule matches. Default: deny.</summary>
    public DefaultEffect? DefaultEffect { get; init; }

    /// <summary>What was prepared before, most likely what is in force: rules that stand in both are not read again. Null: all are read.</summary>
    public PreparedPolicy? Previous { get; init; }

    /// <summary>The moment at which it must not have expired; null: a directive demands it, so that its expiry was judged already.</summary>
    public DateTimeOffset? ValidAt { get; init; }

    /// <summary>The highest sequence that was seen before; null: none, or a directive demands it.</summary>
    public long? HighestSequence { get; init; }
}
