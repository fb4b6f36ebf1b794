using System.Diagnostics;
using System.Globalization;
using System.Text;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// Generated documents, canonicalized here and by programs that are not ours: RFC 8785 by npm's <c>canonicalize</c>, unison's form by
/// CPython's <c>json</c>. Prints how many were compared and how many differ, and fails where one does.
/// </summary>
internal static class CanonicalPeers
{
    private const int Documents = 100_000;
    private const int Seed = 20_261_121;

    private static readonly string[] Letters =
        ["a", "b", "Z", "_", "0", "7", "-", " ", "/", "é", "€", "\u007f", "\u0080", "\u2028", "\ud7ff", "\ue000", "\ufb33", "\uffff", "😀", "\U00010000", "\\\"", "\\\\", "\\/", "\\b", "\\n", "\\u0000", "\\u001f", "\\u20ac", "\\uD83D\\ude00"];

    private static readonly string[] Numbers =
        ["0", "-0", "-0.0", "1e21", "1E+21", "999999999999999999999", "1e-7", "0.0000001", "0.000001", "9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993", "18446744073709551615",
         "5e-324", "2.2250738585072014e-308", "2.225073858507201e-308", "1.7976931348623157e308", "4.35", "0.1", "333333333.33333329", "1e23", "100", "1.0", "10.50", "123456789012345678901234567890", "1e16", "1e15", "1e-5", "0.0001"];

    public static async Task RunAsync(Report _)
    {
        var scripts = Folder();
        if (!Directory.Exists(Path.Combine(scripts, "node_modules")))
        {
            await RunAsync(scripts, "npm", ["ci"], []);
        }

        var documents = Generate(Documents, new Random(Seed));
        Compare(
            "RFC 8785, beside npm's canonicalize", documents, document => CanonicalJson.Hash(CanonicalJson.Canonicalize(document)),
            await RunAsync(scripts, "node", ["rfc8785.mjs"], documents));

        // A whole bundle around each, so that what is compared is the hash that is verified.
        byte[][] bundles = [.. documents.Select(Bundle)];
        Compare(
            "unison's form, beside CPython's json", bundles, bundle => BundleReader.Read(bundle, BundleReadOptions.Default).Value!.PolicyHash,
            await RunAsync(scripts, "python3", ["unison.py"], bundles));
    }

    private static void Compare(string what, byte[][] documents, Func<byte[], string> ours, string[] theirs)
    {
        if (theirs.Length != documents.Length)
        {
            throw new InvalidOperationException($"{what}: {theirs.Length} answers to {documents.Length} documents.");
        }

        var different = documents.Where((document, i) => ours(document) != theirs[i]).ToArray();
        foreach (var document in different.Take(5))
        {
            Console.WriteLine(Encoding.UTF8.GetString(document));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {documents.Length:N0} documents compared, {different.Length} differences"));
        if (different.Length > 0)
        {
            throw new InvalidOperationException($"{different.Length} differences.");
        }
    }

    private static async Task<string[]> RunAsync(string folder, string program, string[] arguments, byte[][] lines)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var answers = process.StandardOutput.ReadToEndAsync();
        await using (var input = process.StandardInput.BaseStream)
        {
            foreach (var line in lines)
            {
                await input.WriteAsync((byte[])[.. line, (byte)'\n']);
            }
        }

        var text = await answers;
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}.");
    }

    private static byte[] Bundle(byte[] document) =>
    [
        .. """{"signature":{"hash":"","signature_b64":""},"policies":[{"effect":"deny","id":"a"}],"x":"""u8, .. document,
        .. ""","metadata":{"version":"1","issued_at":"2026-01-01T00:00:00Z","bundle_id":"b"}}"""u8,
    ];

    private static byte[][] Generate(int count, Random random)
    {
        var documents = new byte[count][];
        for (var i = 0; i < count; i++)
        {
            var text = new StringBuilder();
            Write(text, random, depth: 1 + random.Next(5));
            documents[i] = Encoding.UTF8.GetBytes(text.ToString());
        }

        return documents;
    }

    private static void Write(StringBuilder text, Random random, int depth)
    {
        switch (depth == 0 ? random.Next(4) : random.Next(7))
        {
            case 0:
                text.Append(random.Next(3) switch { 0 => "null", 1 => "true", _ => "false" });
                break;
            case 1 or 2:
                text.Append(Number(random));
                break;
            case 3:
                text.Append('"').Append(Text(random)).Append('"');
                break;
            case 4:
                WriteMany(text, random, '[', ']', () => Write(text, random, depth - 1));
                break;
            default:
                var names = new HashSet<string>(StringComparer.Ordinal);
                WriteMany(text, random, '{', '}', () =>
                {
                    // Names that are spelled differently and mean the same would be repeated names.
                    var name = Text(random);
                    while (!names.Add(System.Text.Json.JsonSerializer.Deserialize<string>($"\"{name}\"")!))
                    {
                        name += names.Count;
                    }

                    text.Append('"').Append(name).Append("\" :");
                    Write(text, random, depth - 1);
                });
                break;
        }
    }

    private static void WriteMany(StringBuilder text, Random random, char open, char close, Action write)
    {
        text.Append(open);
        for (var (i, count) = (0, random.Next(8)); i < count; i++)
        {
            text.Append(i > 0 ? ", " : " ");
            write();
        }

        text.Append(close);
    }

    private static string Text(Random random) => string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => Letters[random.Next(Letters.Length)]));

    private static string Number(Random random)
    {
        if (random.Next(3) == 0)
        {
            return Numbers[random.Next(Numbers.Length)];
        }

        // Any double there is, in its shortest digits or in more than it needs; and integers beyond what doubles hold.
        var value = random.Next(4) == 0 ? Math.BitIncrement(Math.Pow(10, random.Next(-30, 30))) : BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
        return random.Next(3) switch
        {
            _ when !double.IsFinite(value) => "0",
            0 => random.NextInt64().ToString(CultureInfo.InvariantCulture),
            1 => value.ToString("R", CultureInfo.InvariantCulture),
            _ => value.ToString("E17", CultureInfo.InvariantCulture),
        };
    }

    private static string Folder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var canonical = Path.Combine(folder.FullName, "tests", "Benchmarks", "canonical");
            if (Directory.Exists(canonical))
            {
                return canonical;
            }
        }

        throw new InvalidOperationException("Run this from within the repository.");
    }
}
