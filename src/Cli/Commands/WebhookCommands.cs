using System.CommandLine;
using System.Globalization;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl webhook</c>: receivers of what happens.</summary>
internal static class WebhookCommands
{
    public static Command Create(CliHost host) => new("webhook", "Receivers of what happens in the tenant: signed, in order, tried again until they take it.")
    {
        Add(host), List(host), Change(host), Secret(host), Remove(host), Test(host), Dead(host), Replay(host),
    };

    private static Command Add(CliHost host)
    {
        var url = UrlArgument();
        var (events, description) = (EventsOption(), DescriptionOption());
        return new Command("add", "Make one; its secret is shown this once.") { url, events, description }.Does(host, async (context, cancellationToken) =>
        {
            var webhook = await context.Client.CreateWebhookAsync(Wanted(context, url, events, description), null, cancellationToken);
            context.Output.Answer(webhook, o => Print(o, webhook));
            return ExitCodes.Ok;
        });
    }

    private static Command List(CliHost host) => new Command("ls", "Webhooks, newest first, and how they stand.").Does(host, async (context, cancellationToken) =>
    {
        var webhooks = await context.Client.ListWebhooksAsync(cancellationToken);
        context.Output.Answer(webhooks, o =>
        {
            var table = Show.Table("webhook", "state", "url", "events", "waits since", "dead letters", "last error");
            foreach (var webhook in webhooks)
            {
                table.Row(
                    webhook.WebhookId, webhook.State, webhook.Url, Events(webhook), Show.Time(webhook.WaitingSince),
                    webhook.DeadLetters.ToString(CultureInfo.InvariantCulture), webhook.Error);
            }

            o.Table(table);
        });
        return ExitCodes.Ok;
    });

    private static Command Change(CliHost host)
    {
        var (id, url) = (WebhookArgument(), UrlArgument());
        var (events, description) = (EventsOption(), DescriptionOption());
        return new Command("change", "Give one another address, or other events; it goes on where it is.") { id, url, events, description }
            .Does(host, async (context, cancellationToken) =>
            {
                var webhook = await context.Client.ChangeWebhookAsync(context.Get(id), Wanted(context, url, events, description), cancellationToken);
                context.Output.Answer(webhook, o => Print(o, webhook));
                return ExitCodes.Ok;
            });
    }

    private static Command Secret(CliHost host)
    {
        var id = WebhookArgument();
        return new Command("secret", "A new secret, shown this once; the old one signs beside it for 24 hours.") { id }.Does(host, async (context, cancellationToken) =>
        {
            var webhook = await context.Client.ReplaceWebhookSecretAsync(context.Get(id), cancellationToken);
            context.Output.Answer(webhook, o => Print(o, webhook));
            return ExitCodes.Ok;
        });
    }

    private static Command Remove(CliHost host)
    {
        var id = WebhookArgument();
        return new Command("rm", "Remove one, with its dead letters.") { id }.Does(host, async (context, cancellationToken) =>
        {
            await context.Client.RemoveWebhookAsync(context.Get(id), cancellationToken);
            context.Output.Answer(new { WebhookId = context.Get(id), Removed = true }, o => o.Line($"{context.Get(id)} is removed."));
            return ExitCodes.Ok;
        });
    }

    private static Command Test(CliHost host)
    {
        var id = WebhookArgument();
        return new Command("test", "Post a webhook.test now; exit code 1 where it is not taken.") { id }.Does(host, async (context, cancellationToken) =>
            Told(context, await context.Client.TestWebhookAsync(context.Get(id), cancellationToken)));
    }

    private static Command Dead(CliHost host)
    {
        var id = WebhookArgument();
        var after = new Option<long>("--after") { Description = "A place in the audit from which on to list; 100 are shown." };
        return new Command("dead", "What was given up, in the order in which it happened.") { id, after }.Does(host, async (context, cancellationToken) =>
        {
            var letters = await context.Client.ListDeadLettersAsync(context.Get(id), context.Get(after), cancellationToken);
            context.Output.Answer(letters, o =>
            {
                var table = Show.Table("seq", "at", "type", "subject", "given up", "error");
                foreach (var letter in letters)
                {
                    table.Row(
                        letter.Seq.ToString(CultureInfo.InvariantCulture), Show.Time(letter.At), letter.Type, letter.Subject, Show.Time(letter.DeadAt), letter.Error);
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static Command Replay(CliHost host)
    {
        var id = WebhookArgument();
        var seq = new Argument<long?>("seq") { Description = "Which one, by its place in the audit (default: all, in order, until one is not taken).", Arity = ArgumentArity.ZeroOrOne };
        return new Command("replay", "Send again now what was given up; exit code 1 where it is not taken.") { id, seq }.Does(host, async (context, cancellationToken) =>
        {
            if (context.GetOptional(seq) is { } one)
            {
                return Told(context, await context.Client.ReplayDeadLetterAsync(context.Get(id), one, cancellationToken));
            }

            var code = ExitCodes.Ok;
            for (long after = 0; code == ExitCodes.Ok;)
            {
                var letters = await context.Client.ListDeadLettersAsync(context.Get(id), after, cancellationToken);
                if (letters.IsEmpty)
                {
                    break;
                }

                foreach (var letter in letters.TakeWhile(_ => code == ExitCodes.Ok))
                {
                    code = Told(context, await context.Client.ReplayDeadLetterAsync(context.Get(id), letter.Seq, cancellationToken));
                    after = letter.Seq;
                }
            }

            return code;
        });
    }

    private static int Told(CliContext context, WebhookTryAnswer tried)
    {
        context.Output.Answer(tried, o => o.Line($"{tried.MessageId}: {tried.Sentence} [{tried.Code}]"));
        return tried.Delivered ? ExitCodes.Ok : ExitCodes.No;
    }

    private static Argument<string> WebhookArgument() => new("webhook") { Description = "The webhook's id." };

    private static Argument<string> UrlArgument() => new("url") { Description = "Where to post: https." };

    private static Option<string[]> EventsOption() => new("--event")
    {
        Description = "An action or code of the audit, such as rollout.paused, RWG-003 or arm.*; again for more (default: rollouts, ways back, arms and disarms, stops of the line).",
    };

    private static Option<string?> DescriptionOption() => new("--description") { Description = "What it is for." };

    private static NewWebhook Wanted(CliContext context, Argument<string> url, Option<string[]> events, Option<string?> description) =>
        new(context.Get(url), context.Get(events) is { Length: > 0 } given ? [.. given] : null, context.Get(description));

    private static string Events(WebhookAnswer webhook) => webhook.Events.IsDefaultOrEmpty ? "the usual" : string.Join(' ', webhook.Events);

    private static void Print(CliOutput output, WebhookAnswer webhook) => output.Facts(
    [
        ("webhook", webhook.WebhookId), ("url", webhook.Url), ("events", Events(webhook)), ("description", webhook.Description), ("state", webhook.State),
        ("secret", webhook.Secret), ("note", webhook.Secret is null ? null : "The secret is shown this once."),
    ]);
}
