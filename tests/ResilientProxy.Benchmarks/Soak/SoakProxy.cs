using System.Diagnostics;
using System.Globalization;
using System.Net;
using ResilientProxy.TestSupport;

namespace ResilientProxy.Benchmarks.Soak;

/// <summary>The program under test, as a process of its own; its access log goes to the ledger as it is written.</summary>
internal sealed class SoakProxy : IAsyncDisposable
{
    private const int ShownErrors = 40;

    private readonly Process _process;
    private readonly Task _reading;
    private readonly Queue<string> _errors = new();

    private SoakProxy(Process process, string url, string adminUrl, Ledger ledger)
    {
        _process = process;
        Url = url;
        AdminUrl = adminUrl;
        _process.ErrorDataReceived += (_, line) => KeepError(line.Data);
        _process.BeginErrorReadLine();
        _reading = ReadAsync(ledger);
        Admin = new HttpClient { BaseAddress = new Uri(adminUrl) };
    }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Where it serves.</summary>
    public string Url { get; }

    /// <summary>Its admin endpoint.</summary>
    public string AdminUrl { get; }

    /// <summary>A client of that.</summary>
    public HttpClient Admin { get; }

    /// <summary>The last lines of its standard error.</summary>
    public IReadOnlyList<string> Errors
    {
        get
        {
            lock (_errors)
            {
                return [.. _errors];
            }
        }
    }

    /// <summary>Open files, sockets among them; without the assemblies, which the runtime opens when they are first used, and keeps.</summary>
    public int Files => Directory.EnumerateFileSystemEntries($"/proc/{_process.Id}/fd")
        .Count(static file => new FileInfo(file).LinkTarget is { } target && Path.GetExtension(target) is not (".dll" or ".pdb"));

    /// <summary>Threads of the operating system.</summary>
    public int Threads => Directory.EnumerateFileSystemEntries($"/proc/{_process.Id}/task").Count();

    /// <summary>Resident memory, MiB.</summary>
    public double ResidentMiB =>
        long.Parse(
            File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture) / 1024.0;

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <param name="program">The published program; null for the built one.</param>
    /// <param name="config">The config file.</param>
    /// <param name="port">The traffic's port.</param>
    /// <param name="adminPort">The admin endpoint's.</param>
    /// <param name="ledger">Takes the access log.</param>
    public static async Task<SoakProxy> StartAsync(string? program, string config, int port, int adminPort, Ledger ledger)
    {
        string[] command = program is null
            ? ["dotnet", Path.Combine(AppContext.BaseDirectory, "resilient-proxy.dll"), "run", "--config", config]
            : [program, "run", "--config", config];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var proxy = new SoakProxy(process, $"http://127.0.0.1:{port}", $"http://127.0.0.1:{adminPort}", ledger);
        await Eventually.TrueAsync(proxy.IsReadyAsync, "a proxy that is ready", TimeSpan.FromSeconds(30));
        return proxy;
    }

    /// <summary>Drains it, and waits for its end.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> DrainAsync()
    {
        using var response = await Admin.PostAsync("/drain", null);
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await _process.WaitForExitAsync(bound.Token);
        await _reading;
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Admin.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private async Task ReadAsync(Ledger ledger)
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            ledger.Read(line);
        }
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await Admin.GetAsync("/health/ready");
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException) when (!_process.HasExited)
        {
            return false;
        }
    }

    private void KeepError(string? line)
    {
        lock (_errors)
        {
            _errors.Enqueue(line ?? "");
            while (_errors.Count > ShownErrors)
            {
                _errors.Dequeue();
            }
        }
    }
}
