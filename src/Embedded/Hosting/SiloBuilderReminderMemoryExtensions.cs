using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Runtime;

namespace Orleans.Hosting;

/// <summary>Reminders in memory, and what every kind of them needs.</summary>
public static class SiloBuilderReminderMemoryExtensions
{
    public static ISiloBuilder UseInMemoryReminderService(this ISiloBuilder builder)
    {
        builder.AddReminders();
        builder.Services.AddSingleton<IReminderRows, MemoryReminderRows>();
        return builder;
    }

    internal static void AddReminders(this ISiloBuilder builder)
    {
        builder.Services.TryAddSingleton<ReminderService>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ISiloPart, ReminderService>(services => services.GetRequiredService<ReminderService>()));
    }
}
