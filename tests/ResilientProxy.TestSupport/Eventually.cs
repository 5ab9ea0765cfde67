using System.Diagnostics;

namespace ResilientProxy.TestSupport;

/// <summary>Waits for what happens on another thread or in another process, with a bound.</summary>
public static class Eventually
{
    /// <summary>Returns as soon as it is so.</summary>
    /// <param name="condition">What is waited for.</param>
    /// <param name="what">It in words.</param>
    /// <param name="within">The bound; 10 s where none is given.</param>
    /// <exception cref="TimeoutException">It did not come.</exception>
    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? within = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, within);

    /// <summary>Returns as soon as it is so.</summary>
    /// <param name="condition">What is waited for.</param>
    /// <param name="what">It in words.</param>
    /// <param name="within">The bound; 10 s where none is given.</param>
    /// <exception cref="TimeoutException">It did not come.</exception>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? within = null)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(started) > (within ?? TimeSpan.FromSeconds(10)))
            {
                throw new TimeoutException($"Never came: {what}.");
            }

            await Task.Delay(5);
        }
    }
}
