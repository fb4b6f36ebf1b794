using System.Runtime.InteropServices;

namespace OrleansPolicy.Client;

/// <summary>
/// Does long work on a thread of its own that stands back for others: a bundle that is verified and compiled must not take the
/// processor from the requests that are decided meanwhile. On a processor that nobody else wants it takes no longer than elsewhere.
/// </summary>
internal static class BackgroundThread
{
    // Linux gives a thread that is so much nicer a tenth of what it gives to another that wants the same processor.
    private const int Nicer = 10;

    /// <summary>What the work gives or throws.</summary>
    public static Task<T> RunAsync<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            StandBack();
            try
            {
                done.SetResult(work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        })
        {
            IsBackground = true,
            Name = "policy",
            Priority = ThreadPriority.BelowNormal,
        }.Start();
        return done.Task;
    }

    // The priority of a thread says nothing to Linux, which knows a niceness, and of each thread its own.
    private static void StandBack()
    {
        try
        {
            _ = OperatingSystem.IsLinux() ? AddNiceness(Nicer) : 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // It competes with the others then.
        }
    }

    [DllImport("libc", EntryPoint = "nice")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int AddNiceness(int more);
}
