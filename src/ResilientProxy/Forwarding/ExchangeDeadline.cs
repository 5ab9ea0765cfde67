using ResilientProxy.Errors;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Forwarding;

/// <summary>When a request's answer must have begun: the nearer of the route's <c>Total</c> and what the caller says.</summary>
internal sealed class ExchangeDeadline
{
    private readonly TimerSweep _sweep;
    private readonly string? _header;
    private readonly bool _fromGrpc;
    private readonly bool _fromHeader;

    /// <summary>Reads it from the request.</summary>
    /// <param name="exchange">The request; its route is known.</param>
    /// <param name="sweep">The clock.</param>
    public ExchangeDeadline(Exchange exchange, TimerSweep sweep)
    {
        var options = exchange.Route!.Options;
        var request = exchange.Context.Request;
        _sweep = sweep;
        _header = options.Deadline?.Header;
        Due = sweep.DueAfter(exchange.Started, options.Timeouts.Total);
        if (request.Headers.TryGetValue(Deadline.GrpcHeader, out var grpc) && ProxyErrorResponse.IsGrpc(request)
            && Deadline.TryParseGrpc(grpc.ToString(), out var left))
        {
            _fromGrpc = true;
            Due = Math.Min(Due, sweep.DueAfter(exchange.Started, left));
        }

        if (_header is not null && request.Headers.TryGetValue(_header, out var header) && Deadline.TryParseMilliseconds(header.ToString(), out left))
        {
            _fromHeader = true;
            Due = Math.Min(Due, sweep.DueAfter(exchange.Started, left));
        }
    }

    /// <summary>The timestamp of the sweep's clock; <see cref="SweepTimer.Never"/> for none.</summary>
    public long Due { get; }

    /// <summary>Whether the caller spoke of it, and the upstream is told (<see cref="Forward"/>).</summary>
    public bool IsForwarded => _fromGrpc || _fromHeader;

    /// <summary>How long there is from now; less than nothing where it has passed.</summary>
    public TimeSpan Left => Due == SweepTimer.Never ? TimeSpan.MaxValue : _sweep.Time.GetElapsedTime(_sweep.Time.GetTimestamp(), Due);

    /// <summary>Tells the upstream what is left for this attempt, in the form the caller used.</summary>
    /// <param name="message">The attempt's request.</param>
    public void Forward(HttpRequestMessage message)
    {
        if (_fromGrpc)
        {
            message.Headers.Remove(Deadline.GrpcHeader);
            message.Headers.TryAddWithoutValidation(Deadline.GrpcHeader, Deadline.FormatGrpc(Left));
        }

        if (_fromHeader)
        {
            message.Headers.Remove(_header!);
            message.Headers.TryAddWithoutValidation(_header!, Deadline.FormatMilliseconds(Left));
        }
    }
}
