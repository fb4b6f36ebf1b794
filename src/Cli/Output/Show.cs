using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace OrleansPolicy.Cli;

/// <summary>How things are written for people.</summary>
internal static class Show
{
    private const int HashCharsShown = 12;

    /// <summary>The beginning of a hash: enough to tell two apart by eye.</summary>
    public static string Hash(string? hash) => hash is null ? "-" : hash.Length > HashCharsShown ? hash[..HashCharsShown] : hash;

    public static string Time(DateTimeOffset? time) =>
        time is { } t ? t.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) : "-";

    public static string Percent(decimal value) => value.ToString("0.##", CultureInfo.InvariantCulture) + " %";

    public static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    /// <summary>A value of an enumeration as it is written in JSON.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum => JsonSerializer.SerializeToElement(value, PolicyJson.Options).GetString()!;

    /// <summary>A bar of text, so that it reads the same in a file.</summary>
    public static string Bar(decimal percent, int width)
    {
        var filled = (int)Math.Round(Math.Clamp(percent, 0, 100) * width / 100, MidpointRounding.AwayFromZero);
        return new string('█', filled) + new string('░', width - filled);
    }

    /// <summary>A table with these columns.</summary>
    public static Table Table(params string[] columns)
    {
        var table = new Table();
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column)).NoWrap());
        }

        return table;
    }

    /// <summary>Adds a row of plain text.</summary>
    public static void Row(this Table table, params string?[] cells) =>
        table.AddRow(cells.Select(c => new Text(c ?? "-")).ToArray());
}
