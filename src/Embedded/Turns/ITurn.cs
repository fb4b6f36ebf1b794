namespace Orleans.Embedded;

/// <summary>One turn that is not a task. It never throws.</summary>
internal interface ITurn
{
    void Run();
}
