using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace OrleansPolicy.Policy.Tests.Fuzz;

/// <summary>A seed after some edits; now and then after none.</summary>
/// <param name="Seed">Which of the seeds.</param>
/// <param name="Json">What became of it.</param>
internal sealed record Mutant(int Seed, byte[] Json)
{
    public override string ToString() => $"seed text {Seed}, {Json.Length} bytes, in base64: {Convert.ToBase64String(Json)}\n{Encoding.UTF8.GetString(Json)}";
}

/// <summary>
/// Mutants of JSON texts, always the same ones unless <c>POLICY_FUZZ_SEED</c> names another seed; <c>POLICY_FUZZ_TIMES</c> makes
/// that many times more of them. A failure prints its seed.
/// </summary>
internal static class Mutants
{
    private const int EditsMax = 4;
    private const int ChunkLength = 500;

    /// <summary>Holds a check against mutants, one after another.</summary>
    /// <exception cref="InvalidOperationException">The check threw; the message has the seed and the mutant.</exception>
    public static void Check(byte[][] seeds, int count, Action<Mutant> check)
    {
        foreach (var (seed, chunk) in Chunks(seeds, count))
        {
            foreach (var mutant in chunk)
            {
                try
                {
                    check(mutant);
                }
                catch (Exception e)
                {
                    throw Failure(seed, mutant, e);
                }
            }
        }
    }

    /// <summary>The mutants in chunks, each with the seed that makes it again as the first.</summary>
    public static IEnumerable<(ulong Seed, Mutant[] Mutants)> Chunks(byte[][] seeds, int count)
    {
        var times = Number("POLICY_FUZZ_TIMES") ?? 1;
        var first = Number("POLICY_FUZZ_SEED") ?? 20_261_121;
        var mutants = Of(seeds);
        for (ulong chunk = 0; chunk * ChunkLength < (ulong)count * times; chunk++)
        {
            var seed = unchecked(first + chunk);
            yield return (seed, [.. mutants.Sample(ChunkLength, new Rnd(seed), 50)]);
        }
    }

    public static InvalidOperationException Failure(ulong seed, Mutant mutant, Exception cause) =>
        new($"POLICY_FUZZ_SEED={seed} finds this again. {cause.GetType().Name}: {cause.Message}\n{mutant}", cause);

    private static Gen<Mutant> Of(byte[][] seeds) =>
        from seed in Gen.Choose(0, seeds.Length - 1)
        from count in Gen.Choose(0, 4 * EditsMax)
        from edits in JsonEdit.Any.ArrayOf((count + 3) / 4)
        select new Mutant(seed, edits.Aggregate(seeds[seed], (json, edit) => edit.Apply(json)));

    private static ulong? Number(string variable) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
