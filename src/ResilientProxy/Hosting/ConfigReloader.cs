using System.Threading.Channels;
using ResilientProxy.Configuration;
using ResilientProxy.Errors;
using ResilientProxy.RateLimiting;

namespace ResilientProxy.Hosting;

/// <summary>How the last reload went.</summary>
/// <param name="Successful">Whether the file as it was then is in force.</param>
/// <param name="Time">When.</param>
/// <param name="Findings">What was found in it.</param>
internal sealed record ReloadStatus(bool Successful, DateTimeOffset Time, IReadOnlyList<ConfigFinding> Findings);

/// <summary>Takes changed configs over, one after the other: checked and built as a whole before anything takes effect.</summary>
internal sealed partial class ConfigReloader : IAsyncDisposable
{
    // One request waiting is enough: it reads the file as it is when its turn comes.
    private readonly Channel<bool> _requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly SemaphoreSlim _turn = new(1);
    private readonly ProxyAppOptions _options;
    private readonly ProxyConfig _started;
    private readonly ProxyParts _parts;
    private readonly ILogger _logger;
    private readonly Task _loop;
    private PartitionKey? _seen; // the digest of the file as it was read last

    /// <summary>Waits for the first request.</summary>
    /// <param name="options">Where the config is.</param>
    /// <param name="started">The config the process was started with.</param>
    /// <param name="parts">What takes the new one over.</param>
    /// <param name="logger">The log.</param>
    public ConfigReloader(ProxyAppOptions options, ProxyConfig started, ProxyParts parts, ILogger<ConfigReloader> logger)
    {
        _options = options;
        _started = started;
        _parts = parts;
        _logger = logger;
        Last = new(Successful: true, options.Time.GetUtcNow(), []);
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>The config file.</summary>
    public string Path => _options.ConfigPath;

    /// <summary>How the last reload went.</summary>
    public ReloadStatus Last { get; private set; }

    /// <summary>Says that the file may have changed; returns at once. A file that says what it said before is left alone.</summary>
    public void FileChanged() => _requests.Writer.TryWrite(true);

    /// <summary>Reads the file now and takes it over if it may be.</summary>
    /// <returns>How it went.</returns>
    public Task<ReloadStatus> ReloadAsync() => ReloadAsync(onlyIfChanged: false);

    private async Task<ReloadStatus> ReloadAsync(bool onlyIfChanged)
    {
        await _turn.WaitAsync();
        try
        {
            return Last = await ReloadInTurnAsync(onlyIfChanged);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Writes down what <c>GET /config</c> answers, so that what it is written from need not be kept; nobody waits for it.</summary>
    /// <param name="config">The config that is in force.</param>
    public void WriteEffectiveSoon(ProxyConfig config) => _ = Task.Run(() =>
    {
        try
        {
            _ = config.EffectiveJson.Value;
        }
        catch (Exception error)
        {
            Log.NotWritten(_logger, _options.ConfigPath, config.Secrets.Hide(error.ToString())); // GET /config will fail the same; nothing else does
        }
    });

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        await _loop;
        _turn.Dispose();
    }

    private async Task LoopAsync()
    {
        await foreach (var _ in _requests.Reader.ReadAllAsync())
        {
            await ReloadAsync(onlyIfChanged: true);
        }
    }

    private async Task<ReloadStatus> ReloadInTurnAsync(bool onlyIfChanged)
    {
        IReadOnlyList<ConfigFinding> findings;
        var secrets = _started.Secrets;
        try
        {
            var utf8 = _options.ReadConfig();
            var seen = SipHash.Hash128(utf8, 0, 0);
            if (onlyIfChanged && _seen == seen)
            {
                return Last;
            }

            _seen = seen;
            var result = _options.CheckConfig(utf8);
            findings = result.Findings;
            if (result.Config is { } config)
            {
                secrets = config.Secrets;
                await TakeOverAsync(config.WithoutSources());
                return new(Successful: true, _options.Time.GetUtcNow(), findings);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _seen = null; // whatever it says when it is back counts anew
            findings = [new(FindingSeverity.Error, "$", $"the file cannot be read: {error.Message}", Line: 0)];
        }
        catch (Exception error)
        {
            // Nothing a file can say may take a running proxy down.
            Log.Unexpected(_logger, _options.ConfigPath, secrets.Hide(error.ToString()));
            findings = [new(FindingSeverity.Error, "$", $"the config could not be put in force: {secrets.Hide(error.Message)}", Line: 0)];
        }

        foreach (var finding in findings)
        {
            Log.Finding(_logger, _options.ConfigPath, finding);
        }

        _parts.Metrics.ConfigReloadFailed();
        Log.Refused(_logger, _options.ConfigPath, findings.Count(finding => finding.Severity == FindingSeverity.Error));
        return new(Successful: false, _options.Time.GetUtcNow(), findings);
    }

    private async Task TakeOverAsync(ProxyConfig config)
    {
        var before = _parts.Models.Current!;
        var model = _parts.Models.Build(config);
        _parts.Models.Use(model);
        try
        {
            await _parts.Source.ReplaceAsync(model.YarpRoutes, model.YarpClusters);
        }
        catch
        {
            _parts.Models.Use(before);
            throw;
        }

        _parts.Metrics.ConfigReloaded();
        WriteEffectiveSoon(config);
        var restart = NeedsRestart(config);
        _parts.Metrics.RestartRequired(restart.Length > 0);
        Log.Reloaded(_logger, _options.ConfigPath, model.Routes.Count, model.Clusters.Count);
        if (restart.Length > 0)
        {
            Log.RestartNeeded(_logger, restart);
        }
    }

    private string NeedsRestart(ProxyConfig config)
    {
        List<string> changed = [];
        if (!SameSettings("Kestrel"))
        {
            changed.Add("Kestrel");
        }

        if (config.Admin != _started.Admin)
        {
            changed.Add("Admin");
        }

        if (config.AccessLog != _started.AccessLog)
        {
            changed.Add("AccessLog");
        }

        if (!SameSettings("Logging"))
        {
            changed.Add("Logging");
        }

        return string.Join(", ", changed);

        bool SameSettings(string section) => Of(config, section).SequenceEqual(Of(_started, section));

        static IEnumerable<KeyValuePair<string, string?>> Of(ProxyConfig of, string section) =>
            of.HostSettings.Where(setting => setting.Key.StartsWith(section + ":", StringComparison.OrdinalIgnoreCase))
                .OrderBy(setting => setting.Key, StringComparer.OrdinalIgnoreCase);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Path} is in force: {Routes} routes, {Clusters} clusters.")]
        public static partial void Reloaded(ILogger logger, string path, int routes, int clusters);

        [LoggerMessage(LogLevel.Error, "{Path} was refused for {Errors} errors; the last good config stays in force.")]
        public static partial void Refused(ILogger logger, string path, int errors);

        [LoggerMessage(LogLevel.Error, "{Path}: {Finding}")]
        public static partial void Finding(ILogger logger, string path, ConfigFinding finding);

        [LoggerMessage(LogLevel.Warning, "{Sections} changed: that takes effect at the next start. Everything else is in force.")]
        public static partial void RestartNeeded(ILogger logger, string sections);

        [LoggerMessage(LogLevel.Error, "{Path} is in force, but cannot be shown at /config: {Error}")]
        public static partial void NotWritten(ILogger logger, string path, string error);

        [LoggerMessage(LogLevel.Error, "{Path} could not be put in force: {Error}")]
        public static partial void Unexpected(ILogger logger, string path, string error);
    }
}
