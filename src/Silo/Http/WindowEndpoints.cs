using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Freeze windows: when rollouts may go forward, and when not.</summary>
public static class WindowEndpoints
{
    private const string LocalFormat = "yyyy-MM-dd'T'HH:mm";
    private const int TimesShown = 3;

    /// <summary>Maps them.</summary>
    public static void MapWindows(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/windows", ListAsync)
            .Is(Permission.Read, "Freeze windows by name, each with the next times it is there")
            .Gives<WindowList>();
        routes.MapPut("/windows/{window}", SetAsync)
            .Is(
                Permission.Restrain, "Set a freeze window", FreezeRules.ZoneCode, FreezeRules.TimeCode, FreezeRules.EmptyCode, FreezeRules.OverlapCode,
                FreezeRules.DaysCode, FreezeRules.UntilCode, FreezeRules.TooManyCode, "fleet.unknown", "reason.missing", Names.InvalidCode)
            .Takes<WindowRequest>()
            .Gives<WindowView>();
        routes.MapDelete("/windows/{window}", RemoveAsync)
            .Is(Permission.Restrain, "Take a freeze window away", FreezeRules.UnknownCode, "reason.missing")
            .Gives<WindowView>();
    }

    private static async Task<IResult> ListAsync(
        string tenant, IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http)
    {
        var restraints = await store.ReadRestraintsAsync(tenant, http.RequestAborted);
        var now = time.GetUtcNow();
        return Answers.Ok(new WindowList([.. restraints.Windows.Select(one => View(one, now))]));
    }

    private static async Task<IResult> SetAsync(string tenant, string window, IRolloutStore store, ControlWrites controls, HttpContext http)
    {
        var request = await http.ReadAsync<WindowRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (kind, fleet, zone, starts, ends, repeats, days, until, reason) = request.Value;
        if (RequestRules.Collect(
            Names.Check(window, "A window's name", "$.window"),
            kind is null ? new Problem("window.kind", "kind is deny or allow.", "$.kind") : null,
            fleet is null ? null : Names.Check(fleet, "A fleet's name", "$.fleet"),
            CheckTime(starts, "$.starts"), CheckTime(ends, "$.ends"), until is null ? null : CheckTime(until, "$.until"),
            Reasons.Check(reason)) is { } refusal)
        {
            return refusal;
        }

        if (fleet is not null && await store.ReadFleetAsync(tenant, fleet, http.RequestAborted) is null)
        {
            return new ProblemAnswer("fleet.unknown", $"There is no fleet '{fleet}'.");
        }

        var by = http.ApiCaller().Actor;
        return await ChangeAsync(controls, http, tenant, window, "window.set", reason!, (known, now) => FreezeRules.Set(known, new FreezeWindow
        {
            Name = window,
            Kind = kind!.Value,
            Fleet = fleet,
            Zone = zone ?? "",
            Starts = ReadTime(starts)!.Value,
            Ends = ReadTime(ends)!.Value,
            Repeats = repeats,
            Days = days.IsDefault ? [] : days,
            Until = ReadTime(until),
            Reason = reason!,
            By = by,
            At = now,
        }));
    }

    private static async Task<IResult> RemoveAsync(string tenant, string window, ControlWrites controls, HttpContext http, string? reason = null) =>
        Reasons.Check(reason) is { } problem
            ? new ProblemAnswer([problem])
            : await ChangeAsync(controls, http, tenant, window, "window.removed", reason!, (known, _) => FreezeRules.Remove(known, window));

    // What is answered is the window as it is from now on, or as it was until now.
    private static async Task<IResult> ChangeAsync(
        ControlWrites controls, HttpContext http, string tenant, string name, string action, string reason,
        Func<Restraints, DateTimeOffset, Outcome<Restraints>> change)
    {
        var by = http.ApiCaller().Actor;
        FreezeWindow? said = null;
        var at = DateTimeOffset.MinValue;
        var changed = await controls.WriteAsync<Restraints>(
            http, tenant, ControlKinds.Restraints, ControlKinds.OfTenant, StatusCodes.Status200OK, (known, now) =>
            {
                var before = known ?? Restraints.None;
                var after = change(before, now);
                if (!after.Succeeded)
                {
                    return after.As<ControlChange<Restraints>>();
                }

                (said, at) = (Find(after.Value, name) ?? Find(before, name)!, now);
                return ControlChange<Restraints>.Of(
                    after.Value, by, action, $"windows/{name}", reason, now,
                    ("kind", said.Kind == FreezeKind.Deny ? "deny" : "allow"), ("fleet", said.Fleet), ("zone", said.Zone), ("starts", Text(said.Starts)),
                    ("ends", Text(said.Ends)), ("repeats", said.Repeats.ToString().ToLowerInvariant()),
                    ("days", said.Days.IsEmpty ? null : string.Join(' ', said.Days).ToLowerInvariant()), ("until", said.Until is { } until ? Text(until) : null));
            });

        // A repeated request was not decided again: its window is in the stored answer, or gone.
        return changed.Answer(restraints => said is { } window ? View(window, at)
            : Find(restraints, name) is { } stored ? View(stored, stored.At)
            : new { Name = name });
    }

    private static FreezeWindow? Find(Restraints restraints, string name) => restraints.Windows.FirstOrDefault(one => one.Name == name);

    private static Problem? CheckTime(string? text, string path) => ReadTime(text) is null
        ? new Problem(FreezeRules.TimeCode, "A time is local, to the minute and without an offset, such as 2026-12-18T18:00.", path)
        : null;

    private static DateTime? ReadTime(string? text) =>
        DateTime.TryParseExact(text, LocalFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var local) ? local : null;

    private static string Text(DateTime local) => local.ToString(LocalFormat, CultureInfo.InvariantCulture);

    private static WindowView View(FreezeWindow window, DateTimeOffset now) => new(
        window.Name, window.Kind, window.Fleet, window.Zone, Text(window.Starts), Text(window.Ends), window.Repeats, window.Days,
        window.Until is { } until ? Text(until) : null, window.Reason, window.By.Subject, window.At, [.. FreezeTimes.From(window, now).Take(TimesShown)]);
}

/// <summary>A freeze window to set.</summary>
/// <param name="Kind"><c>deny</c> or <c>allow</c>.</param>
/// <param name="Fleet">The one fleet it is for; null: all of the tenant's.</param>
/// <param name="Zone">An IANA time zone.</param>
/// <param name="Starts">When it begins first, local, such as <c>2026-12-18T18:00</c>.</param>
/// <param name="Ends">When it ends that time.</param>
/// <param name="Repeats"><c>never</c>, <c>weekly</c> or <c>yearly</c>.</param>
/// <param name="Days">Of a weekly one: the days on which one begins.</param>
/// <param name="Until">From when on none begins.</param>
/// <param name="Reason">Why.</param>
public sealed record WindowRequest(
    FreezeKind? Kind, string? Fleet, string? Zone, string? Starts, string? Ends, FreezeRepeat Repeats, ImmutableArray<DayOfWeek> Days, string? Until,
    string? Reason);

/// <summary>A freeze window for a reader, with the next times it is there.</summary>
public sealed record WindowView(
    string Name, FreezeKind Kind, string? Fleet, string Zone, string Starts, string Ends, FreezeRepeat Repeats, ImmutableArray<DayOfWeek> Days,
    string? Until, string Reason, string SetBy, DateTimeOffset SetAt, ImmutableArray<FreezeSpan> Next);

/// <summary>Freeze windows, by name.</summary>
public sealed record WindowList(ImmutableArray<WindowView> Windows);
