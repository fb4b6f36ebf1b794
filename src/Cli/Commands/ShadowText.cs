using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Cli.Commands;

/// <summary>What a shadow stage found, for people: who looked, how much differs, and by which rules.</summary>
internal static class ShadowText
{
    public static void Print(CliOutput output, ShadowFindings? shadow)
    {
        if (shadow is null)
        {
            return;
        }

        output.Line();
        output.Line(
            $"Shadow: {Show.Number(shadow.Changed)} of {Show.Number(shadow.Compared)} decisions differ; {shadow.Watching} of {shadow.Nodes} live nodes evaluate the bundle"
            + (shadow.Refused > 0 ? $", {shadow.Refused} cannot load it" : ""));
        if (shadow.Changes.IsEmpty)
        {
            return;
        }

        var table = Show.Table("count", "change", "rule in force", "rule of the new bundle");
        foreach (var change in shadow.Changes)
        {
            table.Row(Show.Number(change.Count), Show.Word(change.Kind), change.FromRule ?? "(default)", change.ToRule ?? "(default)");
        }

        output.Table(table);
    }
}
