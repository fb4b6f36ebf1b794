using System.Collections.Immutable;

namespace OrleansPolicy.Audit;

/// <summary>Who acts.</summary>
/// <param name="Subject">The person or program that the key belongs to. "Another person" compares this.</param>
/// <param name="Interface">Through what: <c>http</c>, or <c>cli</c>, <c>runbook</c> or <c>nats</c> where the caller says that it is that program;
/// <c>grain</c>, <c>scanner</c>, <c>timer</c>, <c>wave</c>. For people: nothing is allowed by it.</param>
/// <param name="KeyId">The key that was shown; null for the control plane itself.</param>
/// <param name="Creators">The subjects who created the key, and theirs: the key counts as each of them too.</param>
public sealed record Actor(string Subject, string Interface, string? KeyId = null, ImmutableArray<string> Creators = default)
{
    /// <summary>The subject of the key that a fresh installation begins with.</summary>
    public const string FirstAdminSubject = "admin";

    // Never a default array: that has no JSON form, and an actor is stored in every rollout.

    /// <summary>The subjects who created the key, and theirs; empty for none.</summary>
    public ImmutableArray<string> Creators { get; init => field = value.IsDefault ? [] : value; } = Creators.IsDefault ? [] : Creators;

    /// <summary>The control plane, acting by itself.</summary>
    public static Actor ControlPlane(string through) => new("control-plane", through);

    /// <summary>
    /// Whether the two are certainly different people: neither made the other's key, and nobody made both. The first admin alone may
    /// have made both: every key comes from that one, and who holds it can do anything anyway.
    /// </summary>
    public bool IsAnotherPersonThan(Actor other) =>
        !AllSubjects().Contains(other.Subject, StringComparer.Ordinal) && !other.AllSubjects().Contains(Subject, StringComparer.Ordinal)
        && Creators.Intersect(other.Creators, StringComparer.Ordinal).All(maker => maker == FirstAdminSubject);

    private IEnumerable<string> AllSubjects() => Creators.Append(Subject);
}
