using System.Text;

namespace OrleansPolicy.Policy.Tests.Bundles;

/// <summary>Small bundles to start from.</summary>
internal static class SomeBundle
{
    public static byte[] Native { get; } = Encoding.UTF8.GetBytes("""
        {
          "metadata": {"bundle_id": "gateway", "version": "1.0.0", "issued_at": "2026-01-01T00:00:00Z", "issuer": "tests", "kind": "rules"},
          "policies": [
            {"id": "read", "effect": "allow", "match": {"capability": "orders.read"}, "reason": "reading is open"},
            {"id": "refund", "effect": "require_confirmation", "priority": 5,
             "match": {"capability": "orders.*", "all": [{"path": "context.amount", "gt": 100}]}}
          ]
        }
        """);

    /// <summary>Nothing in it says in which form it is.</summary>
    public static byte[] Minimal { get; } = Encoding.UTF8.GetBytes(
        """{"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"tests"},"policies":[{"id":"a","effect":"allow"}]}""");

    /// <summary>A native bundle with these rules.</summary>
    public static byte[] OfRules(string rules, string metadata = "", string others = "") => Encoding.UTF8.GetBytes(
        $$"""{"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"rules"{{metadata}}},"policies":{{rules}}{{others}}}""");
}
