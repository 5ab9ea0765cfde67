using System.Collections.Concurrent;
using System.Text;

namespace ResilientProxy.TestSupport;

/// <summary>A collector that speaks OTLP over HTTP and keeps what it is sent.</summary>
public sealed class OtlpCollector : IAsyncDisposable
{
    private readonly Upstream _upstream;

    private OtlpCollector(Upstream upstream, ConcurrentQueue<(string Path, string Body)> received)
    {
        _upstream = upstream;
        Received = received;
    }

    /// <summary>Its address, without a slash at the end.</summary>
    public string Url => _upstream.Url.TrimEnd('/');

    /// <summary>What came, by path; the body's bytes as Latin-1 text, in which protobuf's strings stand as they are.</summary>
    public ConcurrentQueue<(string Path, string Body)> Received { get; }

    /// <summary>Starts one.</summary>
    public static async Task<OtlpCollector> StartAsync()
    {
        var received = new ConcurrentQueue<(string Path, string Body)>();
        var upstream = await Upstream.StartAsync(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            received.Enqueue((context.Request.Path.Value!, Encoding.Latin1.GetString(body.ToArray())));
            context.Response.ContentType = "application/x-protobuf";
        });
        return new(upstream, received);
    }

    /// <summary>Whether something came to a path that holds all of these words.</summary>
    /// <param name="path">The path.</param>
    /// <param name="words">The words.</param>
    public bool Has(string path, params string[] words) =>
        words.All(word => Received.Any(request => request.Path == path && request.Body.Contains(word, StringComparison.Ordinal)));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _upstream.DisposeAsync();
}
