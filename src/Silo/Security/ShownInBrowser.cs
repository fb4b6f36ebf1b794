namespace OrleansPolicy.Silo.Security;

/// <summary>Marks pages that people look at with a browser: who opens one without a session is asked to sign in, and brought back to it.</summary>
public sealed record ShownInBrowser;
