using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Admission;

/// <summary>Everything that bounds a tenant's updates. An update must pass each limit that applies to it.</summary>
/// <param name="MaxUpdatesPerMinute">The tenant's own limit, <see cref="UpdateLimit.MaxUpdatesPerMinute"/>.</param>
/// <param name="MinIntervalSec">The tenant's own limit, <see cref="UpdateLimit.MinIntervalSec"/>.</param>
public sealed record UpdateLimits(double MaxUpdatesPerMinute = 10, double MinIntervalSec = 6)
{
    /// <summary>The scope of the tenant's own limit.</summary>
    public const string TenantScope = "tenant";

    /// <summary>How many fleets or operators can have limits of their own.</summary>
    public const int NamedMax = 1_000;

    /// <summary>What an operation costs at least, in tokens.</summary>
    public const double CostMin = 0.01;

    /// <summary>What an operation costs at most, in tokens.</summary>
    public const double CostMax = 1_000;

    private const int SubjectLengthMax = 200;

    /// <summary>The tenant's own limit.</summary>
    [JsonIgnore]
    public UpdateLimit Tenant => new(MaxUpdatesPerMinute, MinIntervalSec);

    /// <summary>The limit of each fleet that is not in <see cref="Fleets"/>; null: none.</summary>
    public UpdateLimit? Fleet { get; init; }

    /// <summary>The limit of each operator that is not in <see cref="Operators"/>; null: none.</summary>
    public UpdateLimit? Operator { get; init; }

    /// <summary>Limits of single fleets, by name.</summary>
    public ImmutableSortedDictionary<string, UpdateLimit>? Fleets { get; init; }

    /// <summary>Limits of single operators, by the subject of their keys.</summary>
    public ImmutableSortedDictionary<string, UpdateLimit>? Operators { get; init; }

    /// <summary>What an operation costs, in tokens, by <see cref="AdmissionDemand.Operations"/>; 1 where it is not named.</summary>
    public ImmutableSortedDictionary<string, double>? Costs { get; init; }

    /// <summary>SHA-256 of what a settings file said for the tenant when that was last put in force; null: no file ever did.</summary>
    public string? FileHash { get; init; }

    /// <summary>What an operation costs, in tokens.</summary>
    public double CostOf(string operation) => Costs is not null && Costs.TryGetValue(operation, out var cost) ? cost : 1;

    /// <summary>The limit in force for a scope; null: there is none.</summary>
    public UpdateLimit? Of(string scope)
    {
        ArgumentNullException.ThrowIfNull(scope);
        return scope.Split('/', 2) switch
        {
            [TenantScope] => Tenant,
            ["fleet", var fleet] => Fleets?.GetValueOrDefault(fleet) ?? Fleet,
            ["operator", var subject] => Operators?.GetValueOrDefault(subject) ?? Operator,
            _ => null,
        };
    }

    /// <summary>The limits that an update must pass, the tenant's first.</summary>
    public ImmutableArray<(string Scope, UpdateLimit Limit)> For(AdmissionDemand demand)
    {
        ArgumentNullException.ThrowIfNull(demand);
        string?[] scopes =
        [
            TenantScope, demand.Fleet is null ? null : "fleet/" + demand.Fleet, demand.Operator is null ? null : "operator/" + demand.Operator,
        ];
        return [.. from scope in scopes where scope is not null let limit = Of(scope) where limit is not null select (scope, limit)];
    }

    /// <summary>The limits themselves, or everything that is wrong with them (<see cref="UpdateLimiter.InvalidCode"/>).</summary>
    public static Outcome<UpdateLimits> Validate(UpdateLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        (string Path, UpdateLimit Limit)[] all =
        [
            ("$", limits.Tenant),
            .. One("$.fleet", limits.Fleet),
            .. One("$.operator", limits.Operator),
            .. Named("$.fleets", limits.Fleets),
            .. Named("$.operators", limits.Operators),
        ];
        var problems = all.SelectMany(one => CheckLimit(one.Path, one.Limit))
            .Concat(CheckNames("$.fleets", limits.Fleets, Names.IsValid))
            .Concat(CheckNames("$.operators", limits.Operators, static subject => subject.Length is >= 1 and <= SubjectLengthMax && !subject.Any(char.IsControl)))
            .ToImmutableArray();
        if (problems.IsEmpty)
        {
            var smallest = all.Min(one => Math.Max(1, one.Limit.MaxUpdatesPerMinute));
            problems = [.. CheckCosts(limits.Costs, smallest)];
        }

        return problems.IsEmpty ? Outcome<UpdateLimits>.Ok(limits) : Outcome<UpdateLimits>.Fail(problems);
    }

    private static IEnumerable<(string Path, UpdateLimit Limit)> One(string path, UpdateLimit? limit) => limit is null ? [] : [(path, limit)];

    private static IEnumerable<(string Path, UpdateLimit Limit)> Named(string path, ImmutableSortedDictionary<string, UpdateLimit>? limits) =>
        limits?.Where(one => one.Value is not null).Select(one => ($"{path}.{one.Key}", one.Value)) ?? [];

    private static IEnumerable<Problem> CheckLimit(string path, UpdateLimit limit)
    {
        var valid = UpdateLimiter.Validate(limit);
        return valid.Succeeded ? [] : valid.Problems.Select(problem => problem with { Path = path + problem.Path[1..] });
    }

    private static IEnumerable<Problem> CheckNames(string path, ImmutableSortedDictionary<string, UpdateLimit>? limits, Func<string, bool> isName)
    {
        if (limits?.Count > NamedMax)
        {
            yield return new Problem(UpdateLimiter.InvalidCode, $"At most {NamedMax} have limits of their own.", path);
        }

        foreach (var (name, limit) in limits ?? ImmutableSortedDictionary<string, UpdateLimit>.Empty)
        {
            if (limit is null || !isName(name))
            {
                yield return new Problem(UpdateLimiter.InvalidCode, limit is null ? "A limit is missing." : $"'{name}' is no name.", $"{path}.{name}");
            }
        }
    }

    private static IEnumerable<Problem> CheckCosts(ImmutableSortedDictionary<string, double>? costs, double smallestBucket)
    {
        foreach (var (operation, cost) in costs ?? ImmutableSortedDictionary<string, double>.Empty)
        {
            if (!AdmissionDemand.Operations.Contains(operation))
            {
                yield return new Problem(
                    UpdateLimiter.InvalidCode, $"'{operation}' takes no admission; these do: {string.Join(", ", AdmissionDemand.Operations)}.", $"$.costs.{operation}");
            }
            else if (!(cost >= CostMin && cost <= CostMax && cost <= smallestBucket))
            {
                yield return new Problem(
                    UpdateLimiter.InvalidCode,
                    FormattableString.Invariant($"A cost is a number from {CostMin} to {CostMax}, and no more than the smallest bucket holds ({smallestBucket}): it could never be paid."),
                    $"$.costs.{operation}");
            }
        }
    }
}
