using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>The audit entry of a group of registrations: one transaction, one entry, and still everybody who asked is in it.</summary>
internal static class RegistrationAudit
{
    /// <summary>The most names that an entry lists; beyond, the node table tells them.</summary>
    public const int NamesMax = 1_000;

    /// <summary>Describes a group.</summary>
    public static AuditDraft Describe(string fleet, ImmutableArray<QueuedRegistration> queued, DateTimeOffset at)
    {
        var subjects = queued.Select(one => one.Caller.By.Subject).Distinct(StringComparer.Ordinal).ToList();
        var detail = ImmutableSortedDictionary<string, string>.Empty
            .Add("count", queued.Length.ToString(CultureInfo.InvariantCulture))
            .Add("nodes", Join([.. queued.Select(one => one.Node.Node)]));
        return new AuditDraft
        {
            At = at,
            Actor = subjects.Count == 1 ? subjects[0] : "several",
            Interface = queued[0].Caller.By.Interface,
            Action = "node.registered",
            Subject = queued.Length == 1 ? $"fleets/{fleet}/nodes/{queued[0].Node.Node}" : $"fleets/{fleet}/nodes",
            Detail = subjects.Count == 1 ? detail : detail.Add("by", Join(subjects)),
        };
    }

    private static string Join(List<string> names) => names.Count <= NamesMax
        ? string.Join(' ', names)
        : $"{string.Join(' ', names.Take(NamesMax))} and {names.Count - NamesMax} more";
}
