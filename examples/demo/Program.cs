using System.Runtime.InteropServices;
using OrleansPolicy.Client;
using OrleansPolicy.Demo;

const int Failed = 1;
const int ToldWrongly = 2;
const int Interrupted = 130;
const int MessageCharsShown = 500;

DemoOptions? options;
try
{
    options = DemoOptions.Read(args);
}
catch (DemoFailureException e)
{
    Console.Error.WriteLine(e.Message);
    return ToldWrongly;
}

if (options is null)
{
    Console.WriteLine(DemoOptions.Help);
    return 0;
}

// Whoever stops it, by the keyboard or by a signal: nothing that it started is left behind.
using var stopping = new CancellationTokenSource();
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

var screen = new Screen(Story.Steps.Select(s => s.Title), options.Plain);
var (current, exitCode) = (0, 0);
string? logKept = null;
await screen.WhileAsync(async () =>
{
    await using var world = new DemoWorld(options, text => screen.Note(current, text), text => screen.Progress(current, text));
    try
    {
        for (; current < Story.Steps.Count; current++)
        {
            screen.Begin(current);
            screen.End(current, await Story.Steps[current].RunAsync(world, stopping.Token));
        }
    }
    catch (OperationCanceledException) when (stopping.IsCancellationRequested)
    {
        screen.Fail(current, "interrupted");
        exitCode = Interrupted;
    }
    catch (Exception e) when (e is DemoFailureException or PolicyApiException or PolicyUnreachableException or TimeoutException or IOException)
    {
        screen.Fail(current, e.Message.Length > MessageCharsShown ? e.Message[..MessageCharsShown] + " …" : e.Message);
        exitCode = Failed;
    }

    if (exitCode == Failed && File.Exists(world.ControlPlane.LogFile))
    {
        logKept = Path.Combine(Path.GetTempPath(), "policy-demo.log");
        File.Copy(world.ControlPlane.LogFile, logKept, overwrite: true);
    }

    if (options.Keep)
    {
        Console.Error.WriteLine($"Kept: {world.Folder}");
    }
});
screen.Conclude();
if (logKept is not null)
{
    Console.Error.WriteLine($"The control plane's log: {logKept}");
}

return exitCode;

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopping.Cancel();
}
