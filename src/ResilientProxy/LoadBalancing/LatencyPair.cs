namespace ResilientProxy.LoadBalancing;

/// <summary>The latencies of two destinations, made comparable.</summary>
internal static class LatencyPair
{
    private const double Little = 1e-6;

    /// <summary>Both latencies in seconds, above 0.</summary>
    /// <param name="a">One.</param>
    /// <param name="b">The other.</param>
    /// <param name="now">The clock's timestamp.</param>
    public static (double OfA, double OfB) Of(DestinationLoad a, DestinationLoad b, long now)
    {
        var ofA = a.Latency(now);
        var ofB = b.Latency(now);
        return (Known(ofA, a, ofB), Known(ofB, b, ofA));
    }

    // Nobody has answered from there yet: one attempt goes to find out, and until it has, the place counts like the other. A small constant
    // instead would send all that comes meanwhile to a destination that may hang.
    private static double Known(double latency, DestinationLoad load, double other) =>
        latency > 0 ? latency : load.InFlight == 0 || other == 0 ? Little : other;
}
