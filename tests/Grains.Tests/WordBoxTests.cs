using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Silo.Feed;

namespace OrleansPolicy.Grains.Tests;

/// <summary>What a silo hands its fleets.</summary>
public class WordBoxTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Reports_of_one_node_become_one_word_that_counts_all_its_samples()
    {
        var box = new WordBox();
        box.Add(Word(0, seq: 1, decisions: 10));
        box.Add(Word(1, seq: 2, decisions: 5));
        box.Add(new HeardNode("a", Noon.AddSeconds(2), null));

        var word = Assert.Single(box.Take());

        Assert.Equal((Noon.AddSeconds(2), 2L, Noon), (word.At, word.Report!.Seq, word.FirstReportAt));
        Assert.Equal(15, word.Report.Metrics["decisions"].Count);
        Assert.True(box.IsEmpty);
    }

    [Fact]
    public void What_could_not_be_handed_over_is_kept_behind_what_came_later()
    {
        var box = new WordBox();
        box.Add(Word(0, seq: 1, decisions: 10));
        var taken = box.Take();
        box.Add(Word(1, seq: 2, decisions: 5));

        box.Return(taken);

        var word = Assert.Single(box.Take());
        Assert.Equal((2L, 15d), (word.Report!.Seq, word.Report.Metrics["decisions"].Count));
    }

    [Fact]
    public void Samples_are_never_laid_to_another_hash()
    {
        var before = Word(0, seq: 1, decisions: 10);
        var after = Word(1, seq: 2, decisions: 5, hash: 'b');

        Assert.Equal(5, WordBox.Merge(before, after).Report!.Metrics["decisions"].Count);
    }

    [Fact]
    public void What_a_node_says_of_a_shadow_is_added_up_too()
    {
        var said = new ShadowWord { PolicyHash = new string('c', 64), Compared = 7, Changed = 2 };
        var (before, after) = (Word(0, seq: 1, decisions: 10), Word(1, seq: 2, decisions: 5));

        var merged = WordBox.Merge(
            before with { Report = before.Report! with { Shadow = said } }, after with { Report = after.Report! with { Shadow = said with { Compared = 3 } } });

        Assert.Equal((10, 4), (merged.Report!.Shadow!.Compared, merged.Report.Shadow.Changed));
    }

    private static HeardNode Word(int second, long seq, double decisions, char hash = 'a') => new(
        "a", Noon.AddSeconds(second), new NodeReport
        {
            BootId = "boot",
            Seq = seq,
            Epoch = 1,
            PolicyHash = new string(hash, 64),
            Ack = true,
            Metrics = ImmutableSortedDictionary<string, MetricValue>.Empty.Add("decisions", new MetricValue(decisions, decisions)),
        });
}
