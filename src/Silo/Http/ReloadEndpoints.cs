using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.SingleNode;

namespace OrleansPolicy.Silo.Http;

/// <summary>Reloads of node <c>local</c> from a file, and the judgement of one without a reload.</summary>
public static class ReloadEndpoints
{
    private static readonly string[] Codes =
    [
        "reload.file", "reload.json", "reload.structure", "reload.signature", "reload.expiry", "reload.sequence", "reload.rules", "reload.refused",
        "reload.audit", "reload.managed", "fleet.file_mode",
    ];

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly UnavailableAs NoAudit = new("reload.audit");

    /// <summary>Maps them.</summary>
    public static void MapReloads(this IEndpointRouteBuilder routes)
    {
        foreach (var path in (string[])["/reload", "/reload/bundle", "/bundle/reload"])
        {
            var needsPath = path == "/reload/bundle";
            routes.MapPost(path, (LocalNode local, BundlesFolder folder, SiloSettings settings, HttpContext http) => ReloadAsync(needsPath, local, folder, settings, http))
                .IsOfLocalNode(Permission.Reload, needsPath ? "Put a file of the data folder's bundles/ in force" : "Put the configured file in force again, or a named one", Codes)
                .WithMetadata(NoAudit)
                .AddEndpointFilter<OperationFilter>()
                .TakesOpenly<ReloadRequest>()
                .Gives<ReloadAnswer>();
        }

        routes.MapPost("/bundle/verify", VerifyAsync)
            .IsOfLocalNode(Permission.Read, "Verify a bundle, or a file of bundles/, and put nothing in force", "bundle.malformed", "bundle.too_large", "reload.file")
            .WithMetadata(new OpenOnSingleNode())
            .TakesOpenly<object>(BundleEndpoints.FileLimit)
            .Gives<FileVerdict>();
    }

    private static async Task<IResult> ReloadAsync(bool needsPath, LocalNode local, BundlesFolder folder, SiloSettings settings, HttpContext http)
    {
        var request = await http.ReadAsync<ReloadRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        if (await local.IsManagedAsync(http.RequestAborted))
        {
            return new ProblemAnswer(ReloadCodes.Managed, "Fleet default has a baseline: what node local runs is changed by a rollout, not by a file.");
        }

        var (path, allowExpired, allowOlder) = request.Value;
        BundleSource source;
        if (path is null && !needsPath)
        {
            if (settings.BundleFile is null)
            {
                return new ProblemAnswer(
                    [new Problem(ReloadCodes.File, "No bundle file is configured (--bundle): name one of bundles/ as bundle_path.", "$.bundle_path")],
                    status: StatusCodes.Status404NotFound);
            }

            source = BundleSource.OfFile(settings.BundleFile);
        }
        else
        {
            // A path that nobody may name, or where nothing is, is a bad request and no reload.
            var file = await folder.ReadAsync(path, http.RequestAborted);
            if (!file.Succeeded)
            {
                return NoFile(file.Problems);
            }

            source = BundleSource.OfBytes(file.Value.Path, file.Value.Content);
        }

        // Once begun it is finished, whoever waits: half a reload would be one without an answer.
        var order = new ReloadOrder { AllowExpired = allowExpired, AllowOlder = allowOlder };
        return Answer(await local.ReloadAsync(source, order, http.CallerOf() with { OperationId = null }, CancellationToken.None));
    }

    private static async Task<IResult> VerifyAsync(LocalNode local, BundlesFolder folder, HttpContext http)
    {
        var body = await http.ReadBytesAsync();
        if (!body.Succeeded)
        {
            return body.Refusal();
        }

        var content = body.Value;
        if (PathIn(content) is { } path)
        {
            var file = await folder.ReadAsync(path, http.RequestAborted);
            if (!file.Succeeded)
            {
                return NoFile(file.Problems);
            }

            content = file.Value.Content;
        }

        var verified = await local.VerifyAsync(content, http.RequestAborted);
        return verified is { Succeeded: false, Problems: [{ Code: "bundle.malformed" }, ..] } ? verified.Refusal() : Answers.Ok(FileVerdict.Of(verified));
    }

    private static string? PathIn(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("bundle_path", out var path) && path.ValueKind == JsonValueKind.String
                ? path.GetString()
                : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static ProblemAnswer NoFile(ImmutableArray<Problem> problems) => new(
        [new Problem(ReloadCodes.Of(problems[0].Code), problems[0].Message, problems[0].Path), .. problems],
        status: problems[0].Code switch
        {
            BundleSource.MissingCode => StatusCodes.Status404NotFound,
            "bundle.too_large" => StatusCodes.Status413PayloadTooLarge,
            _ => StatusCodes.Status400BadRequest,
        });

    private static IResult Answer(ReloadResult result)
    {
        if (result.Success)
        {
            return Answers.Ok(new ReloadAnswer(true, result.Version!, Math.Round(result.DurationMs, 2), result.PoliciesLoaded, result.PolicyHash!, result.Epoch));
        }

        // What the control plane itself refuses has its own code; what is wrong with a bundle, that of the part.
        var refused = result.Problems[0].Code.StartsWith("fleet.", StringComparison.Ordinal);
        var first = refused ? result.Problems[0] : new Problem(result.Code!, result.Error!);
        return new ProblemAnswer(
            refused ? result.Problems : [first, .. result.Problems],
            result.Code == ReloadCodes.Audit ? RetryAfter : null,
            new JsonObject
            {
                ["success"] = false,
                ["version"] = result.Version,
                ["duration_ms"] = Math.Round(result.DurationMs, 2),
                ["policies_loaded"] = 0,
                ["error"] = result.Error,
            },
            result.Problems[0].Code == BundleSource.MissingCode ? StatusCodes.Status404NotFound : null);
    }
}

/// <summary>A reload.</summary>
/// <param name="BundlePath">A file in the data folder's <c>bundles/</c>; without one the configured file.</param>
/// <param name="AllowExpired">Whether a bundle is taken that has expired.</param>
/// <param name="AllowOlder">Whether a bundle is taken whose sequence is below one that was seen: the way back of signed sequences.</param>
public sealed record ReloadRequest(string? BundlePath, bool AllowExpired, bool AllowOlder);
