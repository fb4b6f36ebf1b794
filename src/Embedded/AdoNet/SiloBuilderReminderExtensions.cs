using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;

namespace Orleans.Hosting;

/// <summary>Reminders in PostgreSQL.</summary>
public static class SiloBuilderReminderExtensions
{
    public static ISiloBuilder UseAdoNetReminderService(this ISiloBuilder builder, Action<AdoNetReminderTableOptions> configureOptions) =>
        builder.UseAdoNetReminderService(options => options.Configure(configureOptions));

    public static ISiloBuilder UseAdoNetReminderService(
        this ISiloBuilder builder, Action<OptionsBuilder<AdoNetReminderTableOptions>> configureOptions)
    {
        configureOptions(builder.Services.AddOptions<AdoNetReminderTableOptions>());

        // The table first: the reminder service reads it as soon as the silo runs.
        builder.Services.AddSingleton<AdoNetReminderRows>();
        builder.Services.AddSingleton<IReminderRows>(services => services.GetRequiredService<AdoNetReminderRows>());
        builder.Services.AddSingleton<ISiloPart>(services => services.GetRequiredService<AdoNetReminderRows>());
        builder.AddReminders();
        return builder;
    }
}
