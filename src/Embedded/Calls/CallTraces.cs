using System.Diagnostics;
using Orleans.Runtime;

namespace Orleans.Embedded;

/// <summary>Calls as parts of traces, under the name of source that Orleans gives them.</summary>
internal sealed class CallTraces
{
    private static readonly ActivitySource s_source = new("Microsoft.Orleans.Application");

    /// <summary>Notes what a call is part of: turns begin with a clean context of execution.</summary>
    public void Mark(GrainCall call) => call.CausedBy = Activity.Current?.Context ?? default;

    /// <summary>Begins the span of a call that is about to run; null: nobody wants it.</summary>
    public static Activity? Begin(GrainCall call)
    {
        if (call.CausedBy == default)
        {
            return null;
        }

        var span = s_source.StartActivity($"{call.GetInterfaceName()}/{call.GetMethodName()}", ActivityKind.Server, call.CausedBy);
        span?.SetTag("rpc.system", "orleans").SetTag("rpc.orleans.target_id", call.TargetId.ToString());
        return span;
    }

    /// <summary>Ends it with the call. Whatever runs next in the same turn is no part of it.</summary>
    public static void EndAfter(Activity span, Task running)
    {
        Activity.Current = null;
        if (running.IsCompleted)
        {
            span.Stop();
        }
        else
        {
            running.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(span.Stop);
        }
    }
}
