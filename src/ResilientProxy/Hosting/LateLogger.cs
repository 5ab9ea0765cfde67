using Microsoft.Extensions.Logging.Abstractions;

namespace ResilientProxy.Hosting;

/// <summary>A logger for parts that are made before the application that knows where the log goes.</summary>
internal sealed class LateLogger : ILogger
{
    private volatile ILogger _inner = NullLogger.Instance;

    /// <summary>Where everything goes from now on.</summary>
    /// <param name="inner">The application's logger.</param>
    public void GoesTo(ILogger inner) => _inner = inner;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => _inner.BeginScope(state);

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => _inner.IsEnabled(logLevel);

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _inner.Log(logLevel, eventId, state, exception, formatter);
}
