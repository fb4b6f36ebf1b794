using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansPolicy.Admission;
using OrleansPolicy.Yaml;

namespace OrleansPolicy.Silo.Configuration;

/// <summary>
/// How often tenants may update, as a YAML file says it: <c>policy_updates.max_per_minute</c>, <c>policy_updates.min_interval_sec</c> and
/// what else a limit has, for all tenants, and under <c>tenants</c> for single ones in place of that.
/// </summary>
/// <param name="Everyone">For tenants without a section of their own; null: the file says nothing of them.</param>
/// <param name="Tenants">By name.</param>
public sealed record PolicyUpdates(UpdateLimits? Everyone, ImmutableSortedDictionary<string, UpdateLimits> Tenants)
{
    private const string InvalidCode = "config.policy_updates";

    /// <summary>What the file says of a tenant, with the hash that tells it from what it said before; null: nothing.</summary>
    public UpdateLimits? Of(string tenant) => Tenants.GetValueOrDefault(tenant) ?? Everyone;

    /// <summary>Reads a file. Fails with <c>yaml.*</c>, <c>admission.limit_invalid</c> and <c>config.policy_updates</c>, everything at once.</summary>
    public static Outcome<PolicyUpdates> Read(ReadOnlyMemory<byte> yaml)
    {
        var json = YamlJson.Convert(yaml);
        if (!json.Succeeded)
        {
            return json.As<PolicyUpdates>();
        }

        try
        {
            return JsonSerializer.Deserialize<FileSection>(json.Value, PolicyJson.Options)?.PolicyUpdates is { } section
                ? Check(section)
                : Outcome<PolicyUpdates>.Fail(InvalidCode, "The file has no policy_updates.");
        }
        catch (JsonException exception)
        {
            return Outcome<PolicyUpdates>.Fail(InvalidCode, $"{exception.Path ?? "$"} is not understood.", exception.Path ?? "$");
        }
    }

    private static Outcome<PolicyUpdates> Check(UpdatesSection section)
    {
        var everyone = section.IsEmpty ? null : section.ToLimits();
        var tenants = (section.Tenants ?? []).ToImmutableSortedDictionary(tenant => tenant.Key, tenant => (tenant.Value ?? new LimitsSection()).ToLimits(), StringComparer.Ordinal);
        var problems = (everyone is null ? [] : Problems("$.policy_updates", everyone))
            .Concat(tenants.SelectMany(tenant => Problems($"$.policy_updates.tenants.{tenant.Key}", tenant.Value)))
            .Concat(tenants.Keys.Select(name => Names.Check(name, "A tenant's name", $"$.policy_updates.tenants.{name}")).OfType<Problem>())
            .ToImmutableArray();
        return problems.IsEmpty
            ? Outcome<PolicyUpdates>.Ok(new PolicyUpdates(
                everyone is null ? null : Marked(everyone), tenants.ToImmutableSortedDictionary(one => one.Key, one => Marked(one.Value), StringComparer.Ordinal)))
            : Outcome<PolicyUpdates>.Fail(problems);
    }

    // Only limits that are valid have a JSON form to hash.
    private static UpdateLimits Marked(UpdateLimits limits) =>
        limits with { FileHash = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(limits, PolicyJson.Options))) };

    private static IEnumerable<Problem> Problems(string path, UpdateLimits limits)
    {
        var valid = UpdateLimits.Validate(limits);
        return valid.Succeeded ? [] : valid.Problems.Select(problem => problem with { Message = $"{path}: {problem.Message}", Path = path + problem.Path[1..] });
    }

    private sealed record FileSection(UpdatesSection? PolicyUpdates);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private record LimitSection
    {
        public double? MaxPerMinute { get; init; }

        public double? MinIntervalSec { get; init; }

        public UpdateLimit ToLimit() => new(MaxPerMinute ?? 10, MinIntervalSec ?? 6);
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private record LimitsSection : LimitSection
    {
        public LimitSection? Fleet { get; init; }

        public LimitSection? Operator { get; init; }

        public Dictionary<string, LimitSection>? Fleets { get; init; }

        public Dictionary<string, LimitSection>? Operators { get; init; }

        public Dictionary<string, double>? Costs { get; init; }

        public bool IsEmpty => MaxPerMinute is null && MinIntervalSec is null && Fleet is null && Operator is null && Fleets is null && Operators is null && Costs is null;

        public UpdateLimits ToLimits()
        {
            var limit = ToLimit();
            return new UpdateLimits(limit.MaxUpdatesPerMinute, limit.MinIntervalSec)
            {
                Fleet = Fleet?.ToLimit(),
                Operator = Operator?.ToLimit(),
                Fleets = Named(Fleets),
                Operators = Named(Operators),
                Costs = Costs?.ToImmutableSortedDictionary(StringComparer.Ordinal),
            };
        }

        private static ImmutableSortedDictionary<string, UpdateLimit>? Named(Dictionary<string, LimitSection>? sections) =>
            sections?.ToImmutableSortedDictionary(one => one.Key, one => (one.Value ?? new LimitSection()).ToLimit(), StringComparer.Ordinal);
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record UpdatesSection : LimitsSection
    {
        public Dictionary<string, LimitsSection>? Tenants { get; init; }
    }
}
