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
}
