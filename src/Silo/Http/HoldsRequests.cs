namespace OrleansPolicy.Silo.Http;

/// <summary>Marks an endpoint that answers late on purpose: long polls and streams.</summary>
public sealed record HoldsRequests;
