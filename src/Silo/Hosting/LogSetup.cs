using Microsoft.Extensions.Logging.Console;
using OrleansPolicy.Silo.Configuration;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>One line per message on the error output, so that the output stays free for what was asked for.</summary>
internal static class LogSetup
{
    private static readonly string[] Chatty = ["Microsoft.AspNetCore", "Microsoft.Hosting", "Npgsql", "Orleans"];

    // A start that fails is told in one line by the program; the host would put its stack trace before it.
    private const string HostCategory = "Microsoft.Extensions.Hosting.Internal.Host";

    // As long as it may log anything, it makes an activity and two scopes for each request; ten thousand held polls keep them for seconds.
    private const string RequestCategory = "Microsoft.AspNetCore.Hosting.Diagnostics";

    // It warns of the collector that is not the server's, which is chosen here; what it has to say of trouble is an error.
    private const string SiloCategory = "Orleans.Runtime.Silo";

    // Its first look counts from when the machine was started, and warns of hours.
    private const string WatchdogCategory = "Orleans.Runtime.Watchdog";

    // It warns that its keys lie in the database as they are. So they do, and make no session (BrowserSessions).
    private const string ProtectionCategory = "Microsoft.AspNetCore.DataProtection";

    // Whatever a browser sends as its token, it tells as an error of ours.
    private const string AntiforgeryCategory = "Microsoft.AspNetCore.Antiforgery";

    public static void Configure(ILoggingBuilder logging, SiloSettings settings)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(settings.LogLevel);

        // At level information people want to read what the product does; each request and statement is for level debug.
        foreach (var category in Chatty)
        {
            logging.AddFilter(category, level => level >= LogLevel.Warning || settings.LogLevel <= LogLevel.Debug);
        }

        logging.AddFilter(RequestCategory, _ => settings.LogLevel <= LogLevel.Debug);
        logging.AddFilter(ProtectionCategory, level => level >= LogLevel.Error || settings.LogLevel <= LogLevel.Debug);
        logging.AddFilter(AntiforgeryCategory, _ => settings.LogLevel <= LogLevel.Debug);
        logging.AddFilter(HostCategory, _ => settings.LogLevel <= LogLevel.Debug);
        logging.AddFilter(WatchdogCategory, _ => settings.LogLevel <= LogLevel.Debug);
        logging.Services.Configure<LoggerFilterOptions>(filter => filter.Rules.Add(new LoggerFilterRule(
            null, SiloCategory, null, (_, category, level) => level >= (category == SiloCategory ? LogLevel.Error : LogLevel.Warning) || settings.LogLevel <= LogLevel.Debug)));
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
