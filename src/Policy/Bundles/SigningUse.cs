namespace OrleansPolicy.Bundles;

/// <summary>What a verified bundle is wanted for.</summary>
public enum SigningUse
{
    /// <summary>To be published: only active keys count.</summary>
    Publish,

    /// <summary>To be served or loaded: what a key signed before it was retired still counts.</summary>
    Serve,
}
