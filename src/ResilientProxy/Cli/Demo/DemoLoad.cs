namespace ResilientProxy.Cli.Demo;

/// <summary>A light load of callers that do not wait for each other: a slow answer does not make the next request come later.</summary>
/// <param name="proxy">Where the proxy serves.</param>
/// <param name="time">The clock.</param>
internal sealed class DemoLoad(string proxy, TimeProvider time) : IDisposable
{
    /// <summary>The routes, and the requests a second each gets: 40 together.</summary>
    public static readonly IReadOnlyList<(string Route, int PerSecond)> Routes = [("orders", 24), ("plain", 8), ("catalog", 8)];

    // More callers than this wait at a time for nothing: then some are left out.
    private const int MostOutstanding = 400;

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(proxy), Timeout = TimeSpan.FromSeconds(5) };
    private int _outstanding;

    /// <summary>Sends until it is stopped, and waits for the last answer.</summary>
    /// <param name="views">Where what a route's callers see goes to at this moment.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(Func<string, CallerView> views, CancellationToken stop)
    {
        var callers = new List<Task>();
        var started = time.GetTimestamp();
        var sent = new int[Routes.Count];
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20), time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                var seconds = time.GetElapsedTime(started).TotalSeconds;
                for (var i = 0; i < sent.Length; i++)
                {
                    for (var due = (int)(seconds * Routes[i].PerSecond); sent[i] < due; sent[i]++)
                    {
                        if (Volatile.Read(ref _outstanding) < MostOutstanding)
                        {
                            callers.Add(CallAsync(Routes[i].Route, views(Routes[i].Route), stop));
                        }
                    }
                }

                callers.RemoveAll(static caller => caller.IsCompletedSuccessfully);
            }
        }
        catch (OperationCanceledException)
        {
            // The demo is over.
        }

        await Task.WhenAll(callers);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task CallAsync(string route, CallerView view, CancellationToken stop)
    {
        Interlocked.Increment(ref _outstanding);
        var started = time.GetTimestamp();
        try
        {
            using var response = await _client.GetAsync(route, stop);
            view.Add(response.IsSuccessStatusCode, time.GetElapsedTime(started));
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            if (!stop.IsCancellationRequested)
            {
                view.Add(well: false, time.GetElapsedTime(started)); // a caller's own five seconds were over, or its connection broke
            }
        }
        finally
        {
            Interlocked.Decrement(ref _outstanding);
        }
    }
}
