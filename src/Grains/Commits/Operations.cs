using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Commits;

/// <summary>The repeatable answers to callers.</summary>
internal static class Operations
{
    /// <summary>The row that lets the same request get the same answer again; null where the caller named no operation.</summary>
    public static OperationWrite? Write<T>(Caller caller, int status, T answer) => caller.OperationId is null
        ? null
        : new OperationWrite(
            KeyOf(caller), caller.OperationId, caller.RequestHash ?? "", status, JsonSerializer.Serialize(answer, PolicyJson.Options));

    /// <summary>The key that operation ids are unique under.</summary>
    public static string KeyOf(Caller caller) => caller.By.KeyId ?? caller.By.Subject;
}
