namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>HTTP/2 on both sides, without TLS: the proxy and bare YARP, as nginx and HAProxy of Debian speak HTTP/1.1 to such an upstream.</summary>
internal static class Http2Case
{
    /// <summary>Its name among the cases.</summary>
    public const string Name = "http2";

    /// <summary>In words.</summary>
    public const string Title = "GET 100 B, HTTP/2 to HTTP/2, 8 connections of 8 streams";

    /// <summary>Why it cannot be measured here; null where it can.</summary>
    public static string? Obstacle => Contestants.IsInstalled("h2load") ? null : "h2load is not installed: apt-get install nghttp2-client";

    /// <summary>Measures it.</summary>
    /// <param name="contestants">How the proxies are started.</param>
    /// <param name="options">Rounds and seconds.</param>
    /// <param name="slices">Takes the figures.</param>
    public static async Task MeasureAsync(Contestants contestants, ComparisonOptions options, List<Slice> slices)
    {
        using var upstream = await contestants.StartHttp2UpstreamAsync();
        using var resilient = await contestants.StartResilientAsync(Contestants.Resilient, upstream.Url, routes: 0, http2: true, out _, out _);
        using var yarp = await Contestants.StartYarpAsync(upstream.Url, http2: true);
        TargetProcess[] targets = [resilient, yarp];
        foreach (var target in targets)
        {
            await H2Load.RunAsync(target.Url, options.WarmUpSeconds);
        }

        await LoadRounds.RunAsync(targets, Name, Title, options, slices, target => H2Load.RunAsync(target.Url, options.Seconds));
    }
}
