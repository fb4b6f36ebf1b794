using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class CanonicalJsonPropertyTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(2_000);

    [Fact]
    public void Canonicalizing_twice_changes_nothing() => Check(Documents(), document =>
    {
        var once = CanonicalJson.Canonicalize(Encoding.UTF8.GetBytes(document.ToJsonString()));
        return once.AsSpan().SequenceEqual(CanonicalJson.Canonicalize(once));
    });

    [Fact]
    public void The_canonical_form_means_the_same() => Check(Documents(), document =>
        JsonElement.DeepEquals(
            JsonElement.Parse(document.ToJsonString()),
            JsonElement.Parse(CanonicalJson.Canonicalize(Encoding.UTF8.GetBytes(document.ToJsonString())))));

    [Fact]
    public void The_order_of_members_and_white_space_do_not_matter() => Check(Documents(), document =>
    {
        var canonical = CanonicalJson.Canonicalize(Encoding.UTF8.GetBytes(document.ToJsonString()));
        var reversed = Reverse(document).ToJsonString(new JsonSerializerOptions { WriteIndented = true });
        return canonical.AsSpan().SequenceEqual(CanonicalJson.Canonicalize(Encoding.UTF8.GetBytes(reversed)));
    });

    [Fact]
    public void Names_come_in_ordinal_order() => Check(Texts().ListOf(), texts =>
    {
        var names = texts.Distinct().ToList();
        var document = new JsonObject(names.Select(n => KeyValuePair.Create<string, JsonNode?>(n, 0)));
        var canonical = JsonElement.Parse(CanonicalJson.Canonicalize(Encoding.UTF8.GetBytes(document.ToJsonString())));
        return canonical.EnumerateObject().Select(m => m.Name).SequenceEqual(names.Order(StringComparer.Ordinal));
    });

    [Fact]
    public void Every_finite_double_reads_back_as_itself_and_is_exact() => Check(Doubles(), value =>
    {
        var canonical = CanonicalJson.TryCanonicalize(
            Encoding.ASCII.GetBytes(value.ToString("R", System.Globalization.CultureInfo.InvariantCulture)), new CanonicalOptions { ExactNumbers = true });
        return canonical.Succeeded && JsonElement.Parse(canonical.Value).GetDouble() == value;
    });

    private static void Check<T>(Gen<T> values, Func<T, bool> holds) => Prop.ForAll(values.ToArbitrary(), holds).Check(Runs);

    private static Gen<double> Doubles() =>
        ArbMap.Default.GeneratorFor<ulong>().Select(BitConverter.UInt64BitsToDouble).Where(double.IsFinite);

    private static Gen<string> Texts() => Gen.Elements("a", "é", "€", "\ufb33", "😀", "\"", "\\", "\n", "\0", "\u007f", "z", "/")
        .ListOf().Select(string.Concat);

    private static Gen<JsonNode> Documents() => Gen.Sized(size => Documents(Math.Min(size, 4)));

    private static Gen<JsonNode> Documents(int depth)
    {
        var scalars = Gen.OneOf(
            Texts().Select(t => (JsonNode)JsonValue.Create(t)),
            Doubles().Select(d => (JsonNode)JsonValue.Create(d)),
            Gen.Choose(-1000, 1000).Select(i => (JsonNode)JsonValue.Create(i)),
            Gen.Elements(true, false).Select(b => (JsonNode)JsonValue.Create(b)));
        return depth == 0 ? scalars : Gen.OneOf(
            scalars,
            Documents(depth - 1).ListOf().Select(list => (JsonNode)new JsonArray([.. list.Select(n => n.DeepClone())])),
            Gen.Zip(Texts(), Documents(depth - 1)).ListOf().Select(members => (JsonNode)new JsonObject(
                members.DistinctBy(m => m.Item1).Select(m => KeyValuePair.Create<string, JsonNode?>(m.Item1, m.Item2.DeepClone())))));
    }

    private static JsonNode Reverse(JsonNode node) => node switch
    {
        JsonObject o => new JsonObject(o.Reverse().Select(m => KeyValuePair.Create<string, JsonNode?>(m.Key, Reverse(m.Value!)))),
        JsonArray a => new JsonArray([.. a.Select(n => Reverse(n!))]),
        _ => node.DeepClone(),
    };
}
