using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>A server in a process of its own, ended with this one's measurement.</summary>
internal sealed class TargetProcess : IDisposable
{
    // What the kernel counts CPU time in, whatever its own tick is: USER_HZ.
    private const double TicksPerSecond = 100;

    private const string AllocatedMetric = "dotnet_gc_heap_total_allocated_bytes_total";

    private readonly Process _process;

    private TargetProcess(string name, string url, Process process, TimeSpan toFirstAnswer)
    {
        Name = name;
        Url = url;
        _process = process;
        ToFirstAnswer = toFirstAnswer;
    }

    /// <summary>Its name in the figures.</summary>
    public string Name { get; }

    /// <summary>Its address, without a slash at the end.</summary>
    public string Url { get; }

    /// <summary>From the start of the process until a first request was answered.</summary>
    public TimeSpan ToFirstAnswer { get; }

    /// <summary>Seconds of CPU the process has used, in user and in kernel mode.</summary>
    public double CpuSeconds
    {
        get
        {
            var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // from the third field on: the name before it may hold anything
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
    }

    /// <summary>Resident memory, MiB.</summary>
    public double ResidentMiB
    {
        get
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024.0;
        }
    }

    /// <summary>Where it says how many bytes it has allocated: a page whose last word is the number; null for none.</summary>
    public string? AllocatedUrl { get; init; }

    /// <summary>Bytes it has allocated on the managed heap so far; null where it has none.</summary>
    public async Task<double?> AllocatedAsync()
    {
        if (AllocatedUrl is null)
        {
            return null;
        }

        using var client = new HttpClient();
        var page = await client.GetStringAsync(new Uri(AllocatedUrl));
        var line = page.Split('\n').First(line => !line.StartsWith('#') && (line.StartsWith(AllocatedMetric, StringComparison.Ordinal) || char.IsAsciiDigit(line[0])));
        return double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture);
    }

    /// <summary>Starts it and waits for a first answer.</summary>
    /// <param name="name">Its name in the figures.</param>
    /// <param name="port">Where it will listen, on loopback.</param>
    /// <param name="allocatedUrl">See <see cref="AllocatedUrl"/>.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static Task<TargetProcess> StartAsync(string name, int port, string? allocatedUrl, string program, params string[] arguments) =>
        StartAsync(HttpVersion.Version11, name, port, allocatedUrl, program, arguments);

    /// <summary>Starts it and waits for a first answer.</summary>
    /// <param name="version">The version of HTTP it speaks.</param>
    /// <param name="name">Its name in the figures.</param>
    /// <param name="port">Where it will listen, on loopback.</param>
    /// <param name="allocatedUrl">See <see cref="AllocatedUrl"/>.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static async Task<TargetProcess> StartAsync(Version version, string name, int port, string? allocatedUrl, string program, params string[] arguments)
    {
        var started = Stopwatch.GetTimestamp();
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var said = new System.Collections.Concurrent.ConcurrentQueue<string>();
        process.ErrorDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        process.OutputDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        using var client = new HttpClient { DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync(new Uri($"http://127.0.0.1:{port}/small"));
                answer.EnsureSuccessStatusCode();
                return new(name, $"http://127.0.0.1:{port}", process, Stopwatch.GetElapsedTime(started)) { AllocatedUrl = allocatedUrl };
            }
            catch (HttpRequestException) when (!process.HasExited && Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(30))
            {
                await Task.Delay(2);
            }
            catch (HttpRequestException)
            {
                End(process);
                throw new InvalidOperationException($"{name} does not serve: {string.Join('\n', said)}");
            }
        }
    }

    /// <summary>A port nobody listens at.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <inheritdoc/>
    public void Dispose() => End(_process);

    private static void End(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
    }
}
