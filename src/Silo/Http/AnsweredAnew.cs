namespace OrleansPolicy.Silo.Http;

/// <summary>
/// Marks an endpoint whose answer is only of its moment, as a lease or a decision is, and that does no more when it is called again: a
/// repeated operation is answered anew. Of it only what was asked is remembered, so that an id is still for one request.
/// </summary>
public sealed record AnsweredAnew;
