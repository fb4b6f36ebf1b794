using System.Globalization;
using OrleansPolicy.Silo.Configuration;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>What a person needs to know once the process is ready: where it listens, where the key is, what to try.</summary>
internal static class StartBanner
{
    public static void Print(TextWriter output, SiloSettings settings, PolicyHost host)
    {
        var address = host.Addresses.FirstOrDefault() ?? settings.Urls;
        output.WriteLine($"orleans-policy {Usage.Version}");
        output.WriteLine($"  listening   {string.Join(' ', host.Addresses)}");
        output.WriteLine($"  database    {(host.Database.Private is { } server ? "private PostgreSQL in " + server.Folder : "by connection string")}");
        if (settings.Cluster.IsJoined)
        {
            output.WriteLine($"  cluster     {settings.Cluster.ClusterId}, service {settings.Cluster.ServiceId}");
        }

        output.WriteLine($"  admin key   {(File.Exists(settings.AdminKeyFile) ? settings.AdminKeyFile : "in the data folder of the process that was the first on this database")}");
        if (settings.HourSeconds != SiloSettings.RealHourSeconds)
        {
            output.WriteLine($"  TIME SCALE  a contract hour lasts {settings.HourSeconds.ToString(CultureInfo.InvariantCulture)} s: for demonstrations and tests only");
        }

        output.WriteLine($"  next        curl -H \"Authorization: Bearer $(cat '{settings.AdminKeyFile}')\" {address}/v1/default/admission");
        output.WriteLine("ready");
        output.Flush();
    }
}
