using System.Collections.Concurrent;
using System.Net;

namespace ResilientProxy.Http1;

/// <summary>Sends requests over HTTP/1.1 without encryption, and nothing but that: each once, on a connection of its own while it lasts.</summary>
/// <param name="settings">What the connections go by.</param>
/// <param name="time">The clock.</param>
internal sealed class Http1Client(Http1Settings settings, TimeProvider time)
{
    private readonly ConcurrentDictionary<Authority, ConnectionPool> _pools = new();
    private ConnectionPool? _last;

    /// <summary>Whether it can send a request.</summary>
    /// <param name="message">The request.</param>
    public static bool CanSend(HttpRequestMessage message) =>
        message.Version == HttpVersion.Version11 && message.RequestUri is { } uri && ReferenceEquals(uri.Scheme, Uri.UriSchemeHttp);

    /// <summary>Sends a request, once; completes when the response's head has arrived.</summary>
    /// <param name="message">The request. Its body may be read on after this has completed, where the upstream answers early.</param>
    /// <param name="cancellationToken">Ends the exchange, until the response's last byte: its connection is closed.</param>
    /// <exception cref="HttpRequestException">No connection, or no request that may be sent.</exception>
    /// <exception cref="UpstreamClosedException">The connection ended where the response was due.</exception>
    /// <exception cref="IOException">It broke off in the head, or is none that HTTP allows.</exception>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        var uri = message.RequestUri!;
        var taking = PoolOf(uri.IdnHost, uri.Port).TakeAsync(cancellationToken);
        return taking.IsCompletedSuccessfully
            ? taking.Result.SendAsync(message, cancellationToken)
            : SendAsync(taking, message, cancellationToken);
    }

    private static async Task<HttpResponseMessage> SendAsync(ValueTask<Http1Connection> taking, HttpRequestMessage message, CancellationToken cancellationToken) =>
        await (await taking).SendAsync(message, cancellationToken);

    private ConnectionPool PoolOf(string host, int port)
    {
        // A cluster often has one destination, or sends several requests in a row to the same.
        if (_last is { } last && last.Port == port && last.Host == host)
        {
            return last;
        }

        return _last = _pools.GetOrAdd(new(host, port), static (authority, client) => new ConnectionPool(authority.Host, authority.Port, client.Settings, client.Time), this);
    }

    private Http1Settings Settings => settings;

    private TimeProvider Time => time;

    private readonly record struct Authority(string Host, int Port);
}
