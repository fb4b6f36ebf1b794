using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Decisions;

/// <summary>A context within other JSON: as it is, so that records and bodies may have one.</summary>
internal sealed class DecisionContextJson : JsonConverter<DecisionContext>
{
    public override DecisionContext Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        DecisionContext.FromJsonElement(JsonElement.ParseValue(ref reader));

    public override void Write(Utf8JsonWriter writer, DecisionContext value, JsonSerializerOptions options)
    {
        if (value.Utf8.IsEmpty)
        {
            writer.WriteNullValue();
        }
        else
        {
            JsonElement.Parse(value.Utf8, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }).WriteTo(writer);
        }
    }
}
