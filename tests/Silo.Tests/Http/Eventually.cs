namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Waits for what must come, and no longer than it may take.</summary>
internal static class Eventually
{
    public static async Task BecomesAsync<T>(Func<Task<T>> look, T wanted, double seconds = 60)
    {
        var deadline = DateTime.UtcNow.AddSeconds(seconds);
        while (true)
        {
            var seen = await look();
            if (Equals(seen, wanted))
            {
                return;
            }

            Assert.True(DateTime.UtcNow < deadline, $"After {seconds} s it is still {seen} instead of {wanted}.");
            await Task.Delay(50);
        }
    }
}
