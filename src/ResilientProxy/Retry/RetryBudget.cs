namespace ResilientProxy.Retry;

/// <summary>Counts the requests and the retries of a route over the last ten seconds, and lends retries as long as they stay in proportion.</summary>
/// <remarks>
/// A limit per request alone lets an outage multiply the load on what is left of an upstream. Counting takes no timer: a second's place in the
/// ring is cleared by whoever comes to it first. A count that meets the clearing may be lost; the proportion does not notice.
/// </remarks>
internal sealed class RetryBudget(RetryBudgetOptions options, TimeProvider time)
{
    private const int Seconds = 10;

    private readonly Second[] _ring = [.. Enumerable.Range(0, Seconds).Select(_ => new Second())];

    /// <summary>A request arrived.</summary>
    public void RequestStarted() => Interlocked.Increment(ref Now().Requests);

    /// <summary>Takes one retry from the budget.</summary>
    /// <returns>False where it is used up.</returns>
    public bool TryTake()
    {
        var second = Now();
        if (Volatile.Read(ref second.Retries) >= options.MinRetriesPerSecond)
        {
            var oldest = second.Number - Seconds;
            long requests = 0;
            long retries = 0;
            foreach (var place in _ring)
            {
                if (Volatile.Read(ref place.Number) > oldest)
                {
                    requests += Volatile.Read(ref place.Requests);
                    retries += Volatile.Read(ref place.Retries);
                }
            }

            if (retries >= requests * options.Ratio)
            {
                return false;
            }
        }

        Interlocked.Increment(ref second.Retries);
        return true;
    }

    private Second Now()
    {
        var number = time.GetTimestamp() / time.TimestampFrequency;
        var second = _ring[number % Seconds];
        var before = Volatile.Read(ref second.Number);
        if (before != number && Interlocked.CompareExchange(ref second.Number, number, before) == before)
        {
            Volatile.Write(ref second.Requests, 0);
            Volatile.Write(ref second.Retries, 0);
        }

        return second;
    }

    private sealed class Second
    {
        public long Number = -Seconds;
        public long Requests;
        public long Retries;
    }
}
