using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>
/// Reads a criterion. In order of precedence, lowest first:
/// <code>
/// either     := both ("or" both)*
/// both       := one ("and" one)*
/// one        := "not" one | "(" either ")" | "no" metric [over] | value op number [unit] [over] | value versus
/// value      := metric | percentile "(" metric ")"
/// op         := "&lt;" | "&lt;=" | "&gt;" | "&gt;=" | "==" | "!="
/// over       := "over" number unit of time
/// versus     := [op] "vs" "baseline" ["*" number]
/// metric     := a letter or "_", then letters, digits, "_", ".", ":", "-"; "prom:NAME" is the answer of the configured query NAME
/// percentile := "p", then a number above 0 and below 100
/// </code>
/// <c>no errors</c> is <c>errors == 0</c>; <c>x vs baseline * 1.2</c> is <c>x &lt;= vs baseline * 1.2</c>, and after an operator "vs" may be left out.
/// Words are case-sensitive. What does not parse is a criterion for a person.
/// </summary>
public static class CriterionParser
{
    /// <summary>The longest text that is read.</summary>
    public const int LengthMax = 1_000;

    /// <summary>How deep brackets and <c>not</c> may nest.</summary>
    public const int DepthMax = 32;

    /// <summary>Reads a text. Never throws.</summary>
    public static CriterionReading Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > LengthMax)
        {
            return new CriterionReading(null, LengthMax + 1, $"It is longer than {LengthMax} characters.");
        }

        var reader = new Reader(text);
        var criterion = reader.Either(0);
        if (criterion is not null && reader.Next.Kind != CriterionTokenKind.End)
        {
            criterion = reader.Refuse("Expected 'and', 'or' or the end.");
        }

        return (criterion is not null ? new CriterionReading(criterion) : new CriterionReading(null, reader.Column, reader.Error)) with
        {
            Queries = [.. reader.Queries],
        };
    }

    private const string Baseline = "baseline";

    private sealed class Reader
    {
        private readonly CriterionScanner scanner;

        public Reader(string text)
        {
            scanner = new CriterionScanner(text);
            Next = scanner.Scan();
        }

        public CriterionToken Next { get; private set; }

        public int Column { get; private set; }

        public string? Error { get; private set; }

        public List<NamedQuery> Queries { get; } = [];

        public Criterion? Either(int depth) => Chain(depth, "or", Both, parts => new Criterion.Any(parts));

        public Criterion? Refuse(string error)
        {
            Column = Next.Column;
            Error = error;
            return null;
        }

        private Criterion? Both(int depth) => Chain(depth, "and", One, parts => new Criterion.All(parts));

        private Criterion? Chain(
            int depth, string word, Func<int, Criterion?> readPart, Func<ImmutableArray<Criterion>, Criterion> join)
        {
            var parts = ImmutableArray.CreateBuilder<Criterion>();
            do
            {
                if (readPart(depth) is not { } part)
                {
                    return null;
                }

                parts.Add(part);
            }
            while (TryWord(word));

            return parts.Count == 1 ? parts[0] : join(parts.ToImmutable());
        }

        private Criterion? One(int depth)
        {
            if (depth > DepthMax)
            {
                return Refuse($"It nests deeper than {DepthMax}.");
            }

            if (TryWord("not"))
            {
                return One(depth + 1) is { } part ? new Criterion.Not(part) : null;
            }

            if (Next.Kind == CriterionTokenKind.Open)
            {
                Advance();
                var inner = Either(depth + 1);
                if (inner is not null && Next.Kind != CriterionTokenKind.Close)
                {
                    return Refuse("Expected ')'.");
                }

                Advance();
                return inner;
            }

            return TryWord("no") ? None() : Compare();
        }

        private Criterion? None() =>
            Metric() is { } metric ? Over(new Criterion.Comparison(metric, ComparisonOperator.Equal, 0)) : null;

        private Criterion? Compare()
        {
            if (Value() is not { } value)
            {
                return null;
            }

            if (TryWord("vs"))
            {
                return Versus(value with { Operator = ComparisonOperator.LessOrEqual });
            }

            ComparisonOperator? read = Next.Text switch
            {
                "<" => ComparisonOperator.Less,
                "<=" => ComparisonOperator.LessOrEqual,
                ">" => ComparisonOperator.Greater,
                ">=" => ComparisonOperator.GreaterOrEqual,
                "==" => ComparisonOperator.Equal,
                "!=" => ComparisonOperator.NotEqual,
                _ => null,
            };
            if (read is not { } op)
            {
                return Refuse("Expected one of < <= > >= == !=.");
            }

            Advance();
            if (TryWord("vs") || Next.Text == Baseline)
            {
                return Versus(value with { Operator = op });
            }

            if (Number() is not { } number)
            {
                return null;
            }

            if (Next.Kind is CriterionTokenKind.Word or CriterionTokenKind.Other && !IsReserved(Next.Text))
            {
                if (CriterionUnits.Convert(number, Next.Text, value.Metric) is not { } converted)
                {
                    return Refuse($"'{Next.Text}' is no unit that '{value.Metric}' could have.");
                }

                if (!double.IsFinite(converted))
                {
                    return Refuse($"So many '{Next.Text}' are too large a number in the unit of '{value.Metric}'.");
                }

                number = converted;
                Advance();
            }

            return Over(value with { Operator = op, Limit = number });
        }

        // A metric, or a percentile of one; what it is compared with follows.
        private Criterion.Comparison? Value()
        {
            var first = Next;
            if (Metric() is not { } metric)
            {
                return null;
            }

            if (Next.Kind != CriterionTokenKind.Open)
            {
                return new Criterion.Comparison(metric, ComparisonOperator.Equal, 0);
            }

            if (!metric.StartsWith('p')
                || !double.TryParse(metric.AsSpan(1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percentile)
                || percentile is <= 0 or >= 100)
            {
                Next = first;
                Refuse($"'{metric}' is no percentile: write p50(...), p99(...), p99.9(...).");
                return null;
            }

            Advance();
            var at = Next;
            if (Metric() is not { } inner)
            {
                return null;
            }

            if (MetricQuery.NameIn(inner) is not null)
            {
                Next = at;
                Refuse("A query's answer is one number: have the query itself ask for the percentile.");
                return null;
            }

            if (Next.Kind != CriterionTokenKind.Close)
            {
                Refuse("Expected ')'.");
                return null;
            }

            Advance();
            return new Criterion.Comparison(inner, ComparisonOperator.Equal, 0) { Percentile = percentile };
        }

        private Criterion? Versus(Criterion.Comparison value)
        {
            if (Next.Text != Baseline)
            {
                return Refuse("Expected 'baseline'.");
            }

            if (value.Operator is ComparisonOperator.Equal or ComparisonOperator.NotEqual)
            {
                return Refuse("A baseline is compared with < <= > or >=.");
            }

            if (value.Metric == MetricWindow.Decisions && value.Percentile is null)
            {
                return Refuse("decisions counts what the nodes did: the cohort and the rest differ in size.");
            }

            if (value.Query is not null)
            {
                return Refuse("A query's answer is one number, of which nobody knows how far it is chance: have the query itself compare.");
            }

            Advance();
            var factor = 1.0;
            if (Next is { Kind: CriterionTokenKind.Other, Text: "*" })
            {
                Advance();
                var at = Next;
                if (Number() is not { } number)
                {
                    return null;
                }

                if (number <= 0)
                {
                    Next = at;
                    return Refuse("Expected a factor above 0.");
                }

                factor = number;
            }

            return Next is { Kind: CriterionTokenKind.Word, Text: "over" }
                ? Refuse("A comparison with the baseline looks at all since the window began, so that it stays valid however often it looks: leave 'over' out.")
                : value with { Limit = factor, Baseline = true };
        }

        private Criterion? Over(Criterion.Comparison comparison)
        {
            if (Next is { Kind: CriterionTokenKind.Word, Text: "over" } && comparison.Query is not null)
            {
                return Refuse("A query looks back as far as it says itself: leave 'over' out.");
            }

            if (!TryWord("over"))
            {
                return comparison;
            }

            if (Number() is not { } number)
            {
                return null;
            }

            if (CriterionUnits.Seconds(number, Next.Text) is not { } seconds || seconds is <= 0 or > PlanReader.HoursMax * 3600)
            {
                return Refuse("Expected a time such as 15m, above 0 and at most a year.");
            }

            Advance();
            return comparison with { Over = TimeSpan.FromSeconds(seconds) };
        }

        private double? Number()
        {
            if (Next.Kind != CriterionTokenKind.Number
                || !double.TryParse(Next.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                || !double.IsFinite(number))
            {
                Refuse("Expected a number.");
                return null;
            }

            Advance();
            return number;
        }

        private string? Metric()
        {
            if (Next.Kind != CriterionTokenKind.Word || IsReserved(Next.Text))
            {
                Refuse("Expected the name of a metric.");
                return null;
            }

            var metric = Next.Text;
            if (MetricQuery.NameIn(metric) is { } query)
            {
                if (query.Length == 0)
                {
                    Refuse($"Expected the name of a query after '{MetricQuery.Prefix}'.");
                    return null;
                }

                Queries.Add(new NamedQuery(query, Next.Column));
            }

            Advance();
            return metric;
        }

        private bool TryWord(string word)
        {
            if (Next.Kind != CriterionTokenKind.Word || Next.Text != word)
            {
                return false;
            }

            Advance();
            return true;
        }

        private void Advance() => Next = scanner.Scan();

        private static bool IsReserved(string word) => word is "and" or "or" or "not" or "no" or "over" or "vs";
    }
}
