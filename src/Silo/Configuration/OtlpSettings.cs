namespace OrleansPolicy.Silo.Configuration;

/// <summary>The OpenTelemetry collector that hears of this process.</summary>
/// <param name="Endpoint">Its address, without the paths of the signals.</param>
/// <param name="IsGrpc">Whether it is spoken to by gRPC; default: HTTP with protobuf.</param>
public sealed record OtlpSettings(Uri Endpoint, bool IsGrpc = false);
