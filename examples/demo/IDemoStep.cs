namespace OrleansPolicy.Demo;

/// <summary>One step of the story. To tell more of it, write another one and put it into <see cref="Story.Steps"/>.</summary>
internal interface IDemoStep
{
    /// <summary>What it states, for the table.</summary>
    string Title { get; }

    /// <summary>
    /// Does it, and checks that it went as stated. The answer is the figures for the table; details go to <see cref="DemoWorld.Note"/>.
    /// </summary>
    /// <exception cref="DemoFailureException">It did not.</exception>
    Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken);
}
