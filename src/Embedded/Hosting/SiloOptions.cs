namespace Orleans.Configuration;

/// <summary>Names a silo.</summary>
public class SiloOptions
{
    public string SiloName { get; set; } = $"Silo_{Guid.NewGuid().ToString("N")[..5]}";
}
