namespace OrleansPolicy.Fleets;

/// <summary>How many nodes of each failure domain a stage may take.</summary>
internal static class CohortShares
{
    /// <summary>The nodes that a percentage of a fleet is: rounded down, so that no stage ever exceeds its percentage.</summary>
    public static int NodesOf(decimal percentage, int nodes) => (int)Math.Floor(percentage * nodes / 100);

    /// <summary>
    /// Shares a number of nodes out over domains by largest remainder (Hamilton's method), ties by the domains' order. A domain
    /// that holds more than its share already keeps what it holds, and the excess is taken off the others.
    /// </summary>
    /// <param name="quota">The nodes to share out.</param>
    /// <param name="domains">Nodes and nodes held per domain, in the order of the domains' names.</param>
    /// <returns>The share per domain, and how many nodes are held beyond the quota although nothing is left to take them off.</returns>
    public static (int[] Shares, int Excess) Share(int quota, ReadOnlySpan<(int Nodes, int Held)> domains)
    {
        var shares = new int[domains.Length];
        var keeps = new bool[domains.Length];
        while (true)
        {
            var left = quota;
            long nodes = 0;
            for (var i = 0; i < domains.Length; i++)
            {
                left -= keeps[i] ? domains[i].Held : 0;
                nodes += keeps[i] ? 0 : domains[i].Nodes;
            }

            LargestRemainder(Math.Max(0, left), nodes, domains, keeps, shares);
            var settled = true;
            for (var i = 0; i < domains.Length; i++)
            {
                if (!keeps[i] && domains[i].Held > shares[i])
                {
                    keeps[i] = true;
                    settled = false;
                }
            }

            if (settled)
            {
                return (shares, Math.Max(0, -left));
            }
        }
    }

    private static void LargestRemainder(int quota, long nodes, ReadOnlySpan<(int Nodes, int Held)> domains, bool[] keeps, int[] shares)
    {
        var remainders = new List<(long Remainder, int Domain)>(domains.Length);
        var given = 0;
        for (var i = 0; i < domains.Length; i++)
        {
            if (keeps[i])
            {
                shares[i] = domains[i].Held;
                continue;
            }

            var exact = nodes == 0 ? 0 : (long)quota * domains[i].Nodes;
            shares[i] = nodes == 0 ? 0 : (int)(exact / nodes);
            given += shares[i];
            remainders.Add((nodes == 0 ? 0 : exact % nodes, i));
        }

        remainders.Sort(static (one, other) => one.Remainder != other.Remainder ? other.Remainder.CompareTo(one.Remainder) : one.Domain.CompareTo(other.Domain));
        for (var i = 0; nodes > 0 && given < quota && i < remainders.Count; i++, given++)
        {
            shares[remainders[i].Domain]++;
        }
    }
}
