using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace OrleansPolicy.Yaml;

/// <summary>Reads one document from the parser's events.</summary>
internal sealed class YamlReader(string text)
{
    private readonly Parser _parser = new(new StringReader(text));
    private readonly Dictionary<AnchorName, (JsonNode? Value, int Values, int Depth)> _anchors = [];
    private int _values;

    public JsonNode? Read()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out var empty))
        {
            throw new YamlRefusedException("yaml.empty", empty.Start, "there is nothing in the file.");
        }

        _parser.Consume<DocumentStart>();
        var (value, _) = ReadValue(depth: 1);
        _parser.Consume<DocumentEnd>();
        return _parser.Accept<StreamEnd>(out _)
            ? value
            : throw new YamlRefusedException("yaml.documents", _parser.Current!.Start, "a second document begins; one file holds one.");
    }

    // The value, and how many levels it has itself.
    private (JsonNode? Value, int Levels) ReadValue(int depth)
    {
        var current = _parser.Current!;
        if (depth > YamlJson.DepthMax)
        {
            throw new YamlRefusedException("yaml.too_deep", current.Start, $"values lie more than {YamlJson.DepthMax} deep in each other.");
        }

        if (current is AnchorAlias alias)
        {
            _parser.MoveNext();
            return Expand(alias, depth);
        }

        if (current is not NodeEvent node)
        {
            throw new YamlRefusedException("yaml.malformed", current.Start, "a value is missing.");
        }

        if (!node.Tag.IsEmpty)
        {
            throw new YamlRefusedException("yaml.tag", node.Start, $"the tag {node.Tag} is not understood; values have the types of the core schema.");
        }

        var before = _values;
        Count(node.Start, 1);
        (JsonNode? Value, int Levels) read = node switch
        {
            Scalar scalar => (ReadScalar(scalar), 0),
            SequenceStart => ReadSequence(depth),
            MappingStart => ReadMapping(depth),
            _ => throw new YamlRefusedException("yaml.malformed", node.Start, "a value is missing."),
        };
        if (!node.Anchor.IsEmpty)
        {
            // Known only now, so that nothing can hold itself.
            _anchors[node.Anchor] = (read.Value, _values - before, read.Levels);
        }

        return read;
    }

    private JsonValue? ReadScalar(Scalar scalar)
    {
        _parser.MoveNext();
        return CoreSchema.Read(scalar);
    }

    private (JsonArray Value, int Levels) ReadSequence(int depth)
    {
        _parser.MoveNext();
        var (array, levels) = (new JsonArray(), 0);
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            var (element, below) = ReadValue(depth + 1);
            array.Add(element);
            levels = Math.Max(levels, below);
        }

        return (array, levels + 1);
    }

    private (JsonObject Value, int Levels) ReadMapping(int depth)
    {
        _parser.MoveNext();
        var (members, levels) = (new JsonObject(), 0);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadKey();
            if (members.ContainsKey(key.Value))
            {
                throw new YamlRefusedException("yaml.duplicate_key", key.Start, $"the key '{key.Value}' is there twice.");
            }

            var (member, below) = ReadValue(depth + 1);
            members.Add(key.Value, member);
            levels = Math.Max(levels, below);
        }

        return (members, levels + 1);
    }

    private Scalar ReadKey()
    {
        var start = _parser.Current!.Start;
        if (!_parser.TryConsume<Scalar>(out var key) || !key.Tag.IsEmpty || CoreSchema.Read(key) is not { } value || value.GetValueKind() != System.Text.Json.JsonValueKind.String)
        {
            throw new YamlRefusedException("yaml.key", start, "a key is plain text; put it in quotes where it looks like a number, a boolean or null.");
        }

        if (key.Value == "<<" && key.Style == ScalarStyle.Plain)
        {
            throw new YamlRefusedException("yaml.merge_key", key.Start, "merge keys are not part of YAML 1.2: write the members out.");
        }

        Count(key.Start, 1);
        if (!key.Anchor.IsEmpty)
        {
            _anchors[key.Anchor] = (value, 1, 0);
        }

        return key;
    }

    private (JsonNode? Value, int Levels) Expand(AnchorAlias alias, int depth)
    {
        if (!_anchors.TryGetValue(alias.Value, out var anchored))
        {
            throw new YamlRefusedException("yaml.anchor", alias.Start, $"no anchor '{alias.Value}' ends before this.");
        }

        // Before it is copied: what would explode is never made.
        Count(alias.Start, anchored.Values);
        return depth + anchored.Depth <= YamlJson.DepthMax
            ? (anchored.Value?.DeepClone(), anchored.Depth)
            : throw new YamlRefusedException("yaml.too_deep", alias.Start, $"values lie more than {YamlJson.DepthMax} deep in each other.");
    }

    private void Count(Mark at, int more)
    {
        _values += more;
        if (_values > YamlJson.ValuesMax)
        {
            throw new YamlRefusedException("yaml.too_many", at, $"more than {YamlJson.ValuesMax} values come out of the file.");
        }
    }
}
