using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using ResilientProxy.TestSupport;

namespace ResilientProxy.EndToEndTests;

/// <summary>The program as a process of its own, ended when the test is over.</summary>
internal sealed partial class ProxyProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    private ProxyProcess(Process process)
    {
        _process = process;
        _process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Its standard output so far.</summary>
    public string Output => Read(_output);

    /// <summary>Its standard error so far.</summary>
    public string Errors => Read(_errors);

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Where it serves, once it does.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Its admin endpoint, once it serves.</summary>
    public string AdminUrl { get; private set; } = "";

    /// <summary>Starts it.</summary>
    /// <param name="arguments">The arguments.</param>
    public static ProxyProcess Start(params IEnumerable<string> arguments) => StartUnder([], new Dictionary<string, string>(), arguments);

    /// <summary>Starts it under another program and with environment variables.</summary>
    /// <param name="wrapper">The other program and its arguments; it executes the rest of its command line.</param>
    /// <param name="variables">The environment variables.</param>
    /// <param name="arguments">The arguments.</param>
    public static ProxyProcess StartUnder(string[] wrapper, IReadOnlyDictionary<string, string> variables, params IEnumerable<string> arguments)
    {
        // The program that was built with this test; RESILIENT_PROXY names another one, such as the published build.
        var program = Environment.GetEnvironmentVariable("RESILIENT_PROXY") ?? Path.Combine(AppContext.BaseDirectory, "resilient-proxy.dll");
        string[] command = program.EndsWith(".dll", StringComparison.Ordinal) ? [.. wrapper, "dotnet", program, .. arguments] : [.. wrapper, program, .. arguments];

        // A test run in the background ignores SIGINT (and under nohup SIGHUP), and so would every process it starts.
        var start = OperatingSystem.IsLinux()
            ? new ProcessStartInfo("env", ["--default-signal=INT,HUP,TERM", .. command])
            : new ProcessStartInfo(command[0], command[1..]);
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        start.RedirectStandardOutput = start.RedirectStandardError = true;
        return new(Process.Start(start)!);
    }

    /// <summary>Starts it and waits until it serves.</summary>
    /// <param name="config">The config file.</param>
    /// <param name="more">Further arguments.</param>
    public static Task<ProxyProcess> ServeAsync(string config, params IEnumerable<string> more) => ServeUnderAsync([], new Dictionary<string, string>(), config, more);

    /// <summary>Starts it under another program and waits until it serves.</summary>
    /// <param name="wrapper">The other program and its arguments; it executes the rest of its command line.</param>
    /// <param name="variables">Environment variables.</param>
    /// <param name="config">The config file.</param>
    /// <param name="more">Further arguments.</param>
    public static async Task<ProxyProcess> ServeUnderAsync(string[] wrapper, IReadOnlyDictionary<string, string> variables, string config, params IEnumerable<string> more)
    {
        var process = StartUnder(wrapper, variables, ["run", "--config", config, .. more]);
        await Eventually.TrueAsync(() => Serving().IsMatch(process.Errors) || process._process.HasExited, "the line that says it serves", TimeSpan.FromSeconds(30));
        var match = Serving().Match(process.Errors);
        Assert.True(match.Success, process.Errors);
        process.Url = match.Groups[1].Value;
        process.AdminUrl = match.Groups[2].Value;
        return process;
    }

    /// <summary>Sends it a signal.</summary>
    /// <param name="name">Such as "TERM".</param>
    public async Task SignalAsync(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> ExitAsync(TimeSpan? within = null)
    {
        using var limit = new CancellationTokenSource(within ?? TimeSpan.FromSeconds(30));
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static void Append(StringBuilder builder, string? line)
    {
        lock (builder)
        {
            builder.Append(line).Append('\n');
        }
    }

    private static string Read(StringBuilder builder)
    {
        lock (builder)
        {
            return builder.ToString();
        }
    }

    [GeneratedRegex("serving at (http://[^,]+), admin at (http://[^,]+),")]
    private static partial Regex Serving();
}
