namespace OrleansPolicy.Rollouts;

/// <summary>
/// How far a measured difference may be from the true one, at every look at once. A test that is made for one look and looked at until it
/// says what is feared raises a false alarm sooner or later; the band of this one holds at all looks together with the probability 1 -
/// <see cref="Alpha"/>, so a rollout may look every second and act on the first that leaves it. It is the normal-mixture confidence sequence of
/// I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, "Time-uniform central limit theory and asymptotic confidence
/// sequences" (Annals of Statistics 52, 2024), theorem 2.2, the inverse of the mixture sequential probability ratio test of R. Johari,
/// P. Koomen, L. Pekelis, D. Walsh, "Always valid inference: continuous monitoring of A/B tests" (Operations Research 70, 2022).
/// </summary>
internal static class SequentialTest
{
    /// <summary>How likely one comparison in one stage is to raise a false alarm, to either side, however long it lasts.</summary>
    public const double Alpha = 0.01;

    /// <summary>The sample at which the band is narrowest for its size: enough for a canary to speak, small enough to be reached.</summary>
    private const double TunedForSample = 1_000;

    private static readonly double LogAlpha = Math.Log(Alpha);

    // The mixture's variance, for one observation's as unit, that is best at that sample (eq. 10 there, to first order).
    private static readonly double Mixture = ((-2 * LogAlpha) + Math.Log(-2 * LogAlpha) + 1) / TunedForSample;

    /// <summary>Half the width of the band around a measured difference.</summary>
    /// <param name="variance">The variance of the measured difference itself.</param>
    /// <param name="sample">How many observations it rests on.</param>
    public static double Radius(double variance, double sample)
    {
        var scaled = (sample * Mixture) + 1;
        return Math.Sqrt(variance * scaled / (scaled - 1) * (Math.Log(scaled) - (2 * LogAlpha)));
    }
}
