using System.Net.Sockets;
using Microsoft.Extensions.Logging.Console;
using ResilientProxy.Configuration;
using ResilientProxy.Errors;
using ResilientProxy.Hosting;

namespace ResilientProxy.Cli;

/// <summary><c>run</c>: serves until a signal or an operator ends it.</summary>
internal static class RunCommand
{
    /// <summary>Serves.</summary>
    /// <param name="file">The config file.</param>
    /// <param name="variables">Environment variables that may override it.</param>
    /// <param name="overrides">Arguments that override it.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string file, IReadOnlyList<KeyValuePair<string, string>> variables, IReadOnlyList<string> overrides)
    {
        Forwarding.InlineCompletions.Prefer();
        await using var output = Console.OpenStandardOutput();
        return await RunAsync(
            new ProxyAppOptions { ConfigPath = file, Environment = variables, Overrides = overrides, StandardOutput = output, Logging = LogToStandardError },
            static _ => Task.CompletedTask);
    }

    /// <summary>Serves with what is given.</summary>
    /// <param name="options">What the proxy is started with.</param>
    /// <param name="started">Called once it serves.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(ProxyAppOptions options, Func<ProxyApp, Task> started)
    {
        ConfigResult result;
        try
        {
            result = options.CheckConfig(options.ReadConfig());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"resilient-proxy: {options.ConfigPath} cannot be read: {error.Message}");
            return ExitCode.Usage;
        }

        foreach (var finding in result.Findings)
        {
            await Console.Error.WriteLineAsync(finding.ToString());
        }

        if (result.Config is not { } config)
        {
            var errors = result.Findings.Count(finding => finding.Severity == FindingSeverity.Error);
            await Console.Error.WriteLineAsync($"resilient-proxy: {options.ConfigPath} has {errors} errors; nothing was started.");
            return ExitCode.InvalidConfig;
        }

        ProxyApp app;
        try
        {
            app = await ProxyApp.StartAsync(config, options);
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            await Console.Error.WriteLineAsync($"resilient-proxy: cannot listen: {config.Secrets.Hide(error.Message)}");
            return ExitCode.CannotBind;
        }
        catch (Exception error) when (error is InvalidOperationException or System.Security.Cryptography.CryptographicException)
        {
            // A certificate that is missing or cannot be opened shows only when the listener is made.
            await Console.Error.WriteLineAsync($"resilient-proxy: the config cannot be put in force: {config.Secrets.Hide(error.Message)}");
            return ExitCode.InvalidConfig;
        }

        await using (app)
        {
            using var signals = new Signals(app);
            await started(app);
            await Console.Error.WriteLineAsync(
                $"resilient-proxy: serving at {string.Join(", ", app.TrafficUrls)}, admin at {app.AdminUrl}, {config.Routes.Count} routes of {options.ConfigPath}");
            await app.Drain.Requested;
            await Console.Error.WriteLineAsync(
                $"resilient-proxy: draining: new requests for {config.Admin.DrainDelay.TotalSeconds:0.#} s, then {config.Admin.DrainTimeout.TotalSeconds:0.#} s for those in flight");
            await app.DrainAsync();
        }

        return ExitCode.Success;
    }

    /// <summary>The application's log: a line each, to the standard error, so that the standard output holds nothing but the access log.</summary>
    /// <param name="logging">The host's logging.</param>
    public static void LogToStandardError(ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite; // a terminal that is not read must not stop requests
        });
    }
}
