using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Postgres;

const int ToldWrongly = 2;
const int Failed = 1;

try
{
    var commandLine = CommandLine.Read(args);
    if (commandLine.Help || commandLine.Version)
    {
        Console.WriteLine(commandLine.Help ? Usage.Text : Usage.Version);
        return 0;
    }

    var settings = SettingsReader.Read(commandLine);
    if (commandLine.MigrateOnly)
    {
        await PolicyHost.MigrateAsync(settings);
        Console.WriteLine("The schema is up to date.");
        return 0;
    }

    await using var host = await PolicyHost.StartAsync(settings);
    StartBanner.Print(Console.Out, settings, host);

    // Nobody asked it to end: whoever supervises it is told to start it again.
    return await host.WaitForStopAsync() is { } failure ? Say("silo.failed", failure.ToString(), Failed) : 0;
}
catch (ConfigurationFailureException failure)
{
    return Say(failure.Code, failure.Message, ToldWrongly);
}
catch (DatabaseException failure)
{
    return Say(failure.Code, failure.Message, failure.MayPass ? Failed : ToldWrongly);
}
catch (StartFailureException failure)
{
    return Say(failure.Code, failure.Message, Failed);
}

static int Say(string code, string message, int exitCode)
{
    Console.Error.WriteLine($"orleans-policy: {code}: {message.ReplaceLineEndings(" ")}");
    return exitCode;
}
