using Orleans.Configuration;

namespace Orleans.Runtime;

/// <summary>Calls grains from outside of every silo.</summary>
internal sealed class Client : Participant
{
    private static int s_count;

    public Client(Cluster cluster, IServiceProvider services, MessagingOptions messaging)
        : base(cluster, $"client{Interlocked.Increment(ref s_count)}", services, messaging) => cluster.Join(this);

    public void Stop() => Close();
}
