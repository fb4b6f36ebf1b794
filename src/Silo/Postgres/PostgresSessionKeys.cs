using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Npgsql;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// The keys by which browsers' sessions are encrypted: of all silos, so that a session of one is a session of each and outlives a restart.
/// Silos that make one at the same moment must not each use its own, of which the others would hear after a day: the first one of a day
/// counts, and who made another one reads it.
/// </summary>
internal sealed class PostgresSessionKeys(NpgsqlDataSource dataSource) : IXmlRepository
{
    private readonly StoreCalls calls = new(dataSource);

    /// <summary>All of them. Throws <see cref="StoreUnavailableException"/>.</summary>
    public IReadOnlyCollection<XElement> GetAllElements() => Wait(calls.ReadAsync(
        "SELECT xml FROM session_key ORDER BY made_on",
        [],
        static (reader, token) => reader.ToArrayAsync(static row => XElement.Parse(row.GetString(0)), token),
        CancellationToken.None));

    /// <summary>Stores one, unless there is one of this day. Throws <see cref="StoreUnavailableException"/>.</summary>
    public void StoreElement(XElement element, string friendlyName)
    {
        ArgumentNullException.ThrowIfNull(element);
        Wait(calls.RunAsync(
            async (attempt, token) =>
            {
                await using var command = dataSource.CreateCommand(
                    "INSERT INTO session_key (made_on, xml) VALUES ((now() AT TIME ZONE 'UTC')::date, $1) ON CONFLICT (made_on) DO NOTHING");
                command.Parameters.Add(SqlValue.Text(element.ToString(SaveOptions.DisableFormatting)));
                attempt.MayHaveTakenEffect = true;
                return await command.ExecuteNonQueryAsync(token);
            },
            CancellationToken.None));
    }

    // The interface knows no other way; it is called when a silo starts and about once a day.
    private static T Wait<T>(Task<T> call) => call.GetAwaiter().GetResult();
}
