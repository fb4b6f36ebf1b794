using System.Text;
using System.Text.Json;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Policy.Tests.Audit;

public sealed class AuditExportTests
{
    private static readonly List<AuditEntry> Chain = AuditChainTests.Chain(3);

    [Fact]
    public void A_list_an_answer_and_lines_read_the_same()
    {
        var list = JsonSerializer.SerializeToUtf8Bytes(Chain, PolicyJson.Options);
        var answer = Encoding.UTF8.GetBytes("{\"entries\":" + Encoding.UTF8.GetString(list) + "}");
        var lines = Encoding.UTF8.GetBytes(string.Join('\n', Chain.Select(entry => JsonSerializer.Serialize(entry, PolicyJson.Options))));

        foreach (var export in new[] { list, answer, lines })
        {
            var read = AuditExport.Read(export);
            Assert.Equal(Chain, read.Value);
            Assert.True(AuditChain.Verify(read.Value).Valid);
        }
    }

    [Fact]
    public void Nothing_reads_as_no_entries() => Assert.Empty(AuditExport.Read(default).Value);

    [Theory]
    [InlineData("[{]")]
    [InlineData("[1]")]
    [InlineData("[null]")]
    [InlineData("\"x\"")]
    [InlineData("{\"entries\":7}")]
    [InlineData("[{\"seq\":1}]")]
    [InlineData("[{\"seq\":1,\"at\":\"yesterday\",\"actor\":\"a\",\"action\":\"b\",\"subject\":\"c\",\"prev_hash\":\"d\",\"hash\":\"e\"}]")]
    [InlineData("[{\"seq\":1,\"at\":\"2026-11-20T12:00:00Z\",\"actor\":\"a\",\"action\":\"b\",\"subject\":\"c\",\"prev_hash\":\"d\"}]")]
    [InlineData("[{\"seq\":1,\"seq\":2,\"at\":\"2026-11-20T12:00:00Z\",\"actor\":\"a\",\"action\":\"b\",\"subject\":\"c\",\"prev_hash\":\"d\",\"hash\":\"e\"}]")]
    public void What_is_no_export_is_refused_with_its_place(string text)
    {
        var read = AuditExport.Read(Encoding.UTF8.GetBytes(text));

        Assert.Equal((AuditExport.MalformedCode, "$[0]"), (Assert.Single(read.Problems).Code, read.Problems[0].Path));
    }

    [Fact]
    public void A_field_that_no_hash_covers_is_refused()
    {
        var json = JsonSerializer.Serialize(Chain[0], PolicyJson.Options).Replace("{\"seq\"", "{\"approved\":true,\"seq\"", StringComparison.Ordinal);

        Assert.False(AuditExport.Read(Encoding.UTF8.GetBytes(json)).Succeeded);
    }
}
