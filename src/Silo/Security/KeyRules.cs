using System.Collections.Immutable;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Security;

/// <summary>What a key may be.</summary>
public static class KeyRules
{
    /// <summary>The tenant in whose chain stands what happens to keys of the installation.</summary>
    public const string ChainOfInstallation = "default";

    /// <summary>What the audit says of a key that is not the tenant's in whose chain it stands.</summary>
    public static readonly ImmutableSortedDictionary<string, string> OfInstallation =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add("scope", "installation");

    private const int NameLengthMax = 200;
    private const string InvalidCode = "key.invalid";

    /// <summary>Everything that is wrong with a request for a key of a tenant; null: of the installation, whose keys are admins' alone.</summary>
    public static IEnumerable<Problem> Check(KeyRequest? request, string? tenant, DateTimeOffset now, string path)
    {
        if (request is null)
        {
            return [new Problem(InvalidCode, "A key must not be null.", path)];
        }

        var role = ToRole(request.Role);
        return
        [
            .. CheckText(request.Name, "name", path),
            .. CheckText(request.Subject, "subject", path),
            .. role switch
            {
                null => [new Problem(InvalidCode, "The role is one of: " + string.Join(", ", Enum.GetNames<Role>()).ToLowerInvariant() + ".", path + ".role")],
                not Role.Admin when tenant is null => [new Problem(InvalidCode, "A key of the installation has the role admin.", path + ".role")],
                _ => CheckScope(request, role.Value, path),
            },
            .. request.ExpiresAt <= now ? [new Problem(InvalidCode, "The key would be expired already.", path + ".expires_at")] : Array.Empty<Problem>(),
        ];
    }

    /// <summary>The key as it is stored, of a tenant or (null) the installation. The makers of the key that makes it are its makers too.</summary>
    public static KeyWrite ToWrite(KeyRequest request, string? tenant, string secret, Actor by, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(by);
        return new KeyWrite
        {
            KeyId = ApiKey.NewId(),
            Tenant = tenant,
            Name = request.Name!,
            Subject = request.Subject!,
            Role = request.Role!,
            Fleet = request.Fleet,
            Node = request.Node,
            KeySha256 = ApiKey.Hash(secret),
            Creators = [.. (by.Creators.IsDefault ? [] : by.Creators).Append(by.Subject).Distinct(StringComparer.Ordinal)],
            CreatedAt = now,
            ExpiresAt = request.ExpiresAt?.ToUniversalTime(),
        };
    }

    /// <summary>The facts of a key for the audit; the secret is none of them.</summary>
    public static ImmutableSortedDictionary<string, string> Describe(KeyWrite key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var detail = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (key.Tenant is null)
        {
            detail.AddRange(OfInstallation);
        }

        detail["name"] = key.Name;
        detail["role"] = key.Role;
        detail["subject"] = key.Subject;
        if (key.Fleet is not null)
        {
            detail["fleet"] = key.Fleet;
        }

        if (key.Node is not null)
        {
            detail["node"] = key.Node;
        }

        return detail.ToImmutable();
    }

    private static Role? ToRole(string? text) =>
        text is not null && text.All(char.IsAsciiLetterLower) && Enum.TryParse<Role>(text, ignoreCase: true, out var role) ? role : null;

    private static IEnumerable<Problem> CheckText(string? text, string field, string path)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Length > NameLengthMax || text.Any(char.IsControl))
        {
            yield return new Problem(InvalidCode, $"The {field} has 1 to {NameLengthMax} characters, none of them a control character.", $"{path}.{field}");
        }
    }

    private static IEnumerable<Problem> CheckScope(KeyRequest request, Role role, string path)
    {
        var wantsFleet = role is Role.Relay or Role.Node;
        if (wantsFleet != request.Fleet is not null)
        {
            yield return new Problem("key.fleet", wantsFleet ? "The role acts for one fleet: name it." : "The role is not bound to a fleet.", path + ".fleet");
        }
        else if (wantsFleet && Names.Check(request.Fleet, "A fleet's name", path + ".fleet") is { } problem)
        {
            yield return problem;
        }

        var wantsNode = role is Role.Node;
        if (wantsNode != request.Node is not null)
        {
            yield return new Problem("key.node", wantsNode ? "The role acts for one node: name it." : "The role is not bound to a node.", path + ".node");
        }
        else if (wantsNode && Names.Check(request.Node, "A node's name", path + ".node") is { } problem)
        {
            yield return problem;
        }
    }
}
