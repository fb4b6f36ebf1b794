using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>
/// Groups registrations: while one transaction runs, those that arrive wait for the next, up to a thousand rows in one. So a single
/// node waits for nobody, and ten thousand at once cost a few transactions. It runs inside its grain, one turn at a time.
/// </summary>
/// <param name="write">Makes a group durable; the records come back in any order. Null: something of it is not true any more.</param>
internal sealed class RegistrationQueue(Func<ImmutableArray<QueuedRegistration>, Task<ImmutableArray<NodeRecord>?>> write)
{
    /// <summary>The most rows of one transaction, except for a single request that brings more.</summary>
    public const int RowsMax = 1_000;

    private readonly LinkedList<Request> _waiting = new();
    private bool _isWriting;

    /// <summary>Registers; the answer is durable and in the order asked. Null: nothing was written, check again what was asked for.</summary>
    public async Task<ImmutableArray<NodeRecord>?> RegisterAsync(ImmutableArray<NodeRegistration> nodes, Caller caller)
    {
        var request = new Request([.. nodes.Select(node => new QueuedRegistration(node, caller))]);
        _waiting.AddLast(request);
        if (!_isWriting)
        {
            _isWriting = true;
            _ = WriteAsync();
        }

        return await request.Stored.Task is { } stored ? [.. nodes.Select(node => stored[node.Node])] : null;
    }

    private async Task WriteAsync()
    {
        while (_waiting.First is not null)
        {
            var group = TakeGroup();
            try
            {
                var records = await write([.. group.SelectMany(request => request.Nodes)]);
                var byName = records?.ToDictionary(record => record.Node, StringComparer.Ordinal);
                group.ForEach(request => request.Stored.TrySetResult(byName));
            }
#pragma warning disable CA1031 // Each request gets the failure as its own; the queue goes on with the next group.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                group.ForEach(request => request.Stored.TrySetException(exception));
            }
        }

        _isWriting = false;
    }

    private List<Request> TakeGroup()
    {
        var group = new List<Request>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var next = _waiting.First; next is not null && names.Count < RowsMax;)
        {
            var request = next;
            next = next.Next;

            // One row cannot be written twice by one statement: whoever comes second is in the next group.
            var fits = group.Count == 0 || names.Count + request.Value.Nodes.Length <= RowsMax;
            if (fits && !request.Value.Nodes.Any(node => names.Contains(node.Node.Node)))
            {
                names.UnionWith(request.Value.Nodes.Select(node => node.Node.Node));
                group.Add(request.Value);
                _waiting.Remove(request);
            }
        }

        return group;
    }

    private sealed class Request(ImmutableArray<QueuedRegistration> nodes)
    {
        public ImmutableArray<QueuedRegistration> Nodes { get; } = nodes;

        public TaskCompletionSource<Dictionary<string, NodeRecord>?> Stored { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>A registration and who asked for it.</summary>
internal readonly record struct QueuedRegistration(NodeRegistration Node, Caller Caller);
