using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Http;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>
/// Makes the first admin key of a fresh installation, and the tenant <c>default</c>. The key is on disk before it is in the database:
/// a crash in between leaves a file that opens nothing, never a key that nobody has. It is also the last resort of an installation none
/// of whose keys works any more, as they expired or were taken back in the database: who may start it and read its data folder is let in.
/// </summary>
internal static class FirstAdminKey
{
    private const string FirstTenant = KeyRules.ChainOfInstallation;
    private const string Subject = Actor.FirstAdminSubject;

    public static async Task EnsureAsync(SiloSettings settings, IKeyStore keys, IRolloutStore store, TimeProvider time)
    {
        var pending = settings.AdminKeyFile + ".new";
        var installation = await keys.ListKeysAsync(tenant: null);
        if (installation.Any(key => !(key.ExpiresAt <= time.GetUtcNow())))
        {
            Finish(pending, settings.AdminKeyFile, installation);
            return;
        }

        var secret = ApiKey.New();
        Keep(settings.DataFolder, pending, secret);
        var known = await keys.ListTenantsAsync();
        var result = await store.CommitAsync(Change(secret, createsTenant: !known.Contains(FirstTenant), time.GetUtcNow()));
        if (result.Status == CommitStatus.Committed)
        {
            File.Move(pending, settings.AdminKeyFile, overwrite: true);
        }
        else
        {
            // Another process on the same database was first; its folder has the key.
            File.Delete(pending);
        }
    }

    private static PolicyChange Change(string secret, bool createsTenant, DateTimeOffset now)
    {
        var by = Actor.ControlPlane("start");
        var key = new KeyWrite
        {
            KeyId = ApiKey.NewId(),
            Name = "first admin key",
            Subject = Subject,
            Role = nameof(Role.Admin).ToLowerInvariant(),
            KeySha256 = ApiKey.Hash(secret),
            CreatedAt = now,
        };
        ImmutableArray<AuditDraft> made = [by.Did("key.created", "keys/" + key.KeyId, now, KeyRules.Describe(key))];
        return new PolicyChange
        {
            Tenant = FirstTenant,
            CreatesTenant = createsTenant,
            Keys = [key],
            Audit = createsTenant ? [by.Did("tenant.created", "tenants/" + FirstTenant, now), .. made] : made,
        };
    }

    // A start that was cut off after the commit left the key under the pending name.
    private static void Finish(string pending, string file, ImmutableArray<KeyWrite> installation)
    {
        if (!File.Exists(pending))
        {
            return;
        }

        var hash = ApiKey.Hash(File.ReadAllText(pending).Trim());
        if (installation.Any(key => CryptographicOperations.FixedTimeEquals(key.KeySha256.AsSpan(), hash.AsSpan())))
        {
            File.Move(pending, file, overwrite: true);
        }
        else
        {
            File.Delete(pending);
        }
    }

    private static void Keep(string folder, string path, string secret)
    {
        try
        {
            Directory.CreateDirectory(folder);
            Write(path, secret);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationFailureException("config.data", $"The admin key cannot be written to {path}: {exception.Message}", exception);
        }
    }

    private static void Write(string path, string secret)
    {
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(path, options);
        file.Write(Encoding.ASCII.GetBytes(secret + "\n"));
        file.Flush(flushToDisk: true);
    }
}
