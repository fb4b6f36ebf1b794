using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Decisions;

/// <summary>
/// Names that members can have, told by their bytes: a bundle has tens of thousands of members, and each look at a name as a text writes
/// it anew.
/// </summary>
internal sealed class KnownNames(IEnumerable<string> names)
{
    private readonly (byte[] Utf8, string Text)[] known = [.. names.Select(name => (Encoding.UTF8.GetBytes(name), name))];

    /// <summary>The name of a member; null where it is none of these.</summary>
    public string? Find(JsonProperty member)
    {
        var name = JsonMarshal.GetRawUtf8PropertyName(member);
        if (name.Contains((byte)'\\'))
        {
            name = Encoding.UTF8.GetBytes(member.Name);
        }

        foreach (var (utf8, text) in known)
        {
            if (name.SequenceEqual(utf8))
            {
                return text;
            }
        }

        return null;
    }
}
