using System.Diagnostics;

namespace ResilientProxy.Benchmarks.Scenarios;

/// <summary>One request of a load: when it was due, how long its caller waited, and what came of it.</summary>
/// <param name="Due">When it was due, since the load began.</param>
/// <param name="Latency">From then to the last byte of its answer.</param>
/// <param name="Status">Its status; 0 where there was none.</param>
internal readonly record struct Sample(TimeSpan Due, TimeSpan Latency, int Status)
{
    /// <summary>Whether the caller got a good answer.</summary>
    public bool Succeeded => Status is >= 200 and < 300;
}

/// <summary>Sends requests at a fixed rate, whether the ones before are answered or not: a slow answer holds nobody back, as in life.</summary>
internal static class OpenLoop
{
    /// <summary>Runs a load.</summary>
    /// <param name="client">The client.</param>
    /// <param name="perSecond">Requests a second.</param>
    /// <param name="length">How long.</param>
    /// <param name="request">Makes the request with a number.</param>
    /// <returns>One sample a request, in the order in which they were due.</returns>
    public static async Task<Sample[]> RunAsync(HttpClient client, int perSecond, TimeSpan length, Func<int, HttpRequestMessage> request)
    {
        var count = (int)(perSecond * length.TotalSeconds);
        var samples = new Task<Sample>[count];
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < count;)
        {
            var due = (int)(Stopwatch.GetElapsedTime(started).TotalSeconds * perSecond);
            for (; i <= due && i < count; i++)
            {
                samples[i] = SendAsync(client, request(i), started, TimeSpan.FromSeconds((double)i / perSecond));
            }

            await Task.Delay(1);
        }

        return await Task.WhenAll(samples);
    }

    private static async Task<Sample> SendAsync(HttpClient client, HttpRequestMessage request, long started, TimeSpan due)
    {
        var status = 0;
        try
        {
            using var response = await client.SendAsync(request);
            await response.Content.ReadAsByteArrayAsync();
            status = (int)response.StatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException or IOException)
        {
            // No answer: that is what the sample says.
        }
        finally
        {
            request.Dispose();
        }

        return new(due, Stopwatch.GetElapsedTime(started) - due, status);
    }

    /// <summary>The share of good answers, 0 to 1.</summary>
    public static double SuccessRate(this IReadOnlyCollection<Sample> samples) => samples.Count == 0 ? 0 : (double)samples.Count(sample => sample.Succeeded) / samples.Count;

    /// <summary>The latency that a share of the samples stayed within, in milliseconds.</summary>
    public static double Percentile(this IReadOnlyCollection<Sample> samples, double share)
    {
        var ordered = samples.Select(sample => sample.Latency.TotalMilliseconds).Order().ToArray();
        return ordered.Length == 0 ? 0 : ordered[Math.Min(ordered.Length - 1, (int)Math.Ceiling(ordered.Length * share) - 1)];
    }

    /// <summary>The samples that were due in a span of the load.</summary>
    public static Sample[] Between(this IEnumerable<Sample> samples, double fromSeconds, double toSeconds) =>
        [.. samples.Where(sample => sample.Due.TotalSeconds >= fromSeconds && sample.Due.TotalSeconds < toSeconds)];
}
