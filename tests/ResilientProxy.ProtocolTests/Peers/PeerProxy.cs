using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ResilientProxy.TestSupport;

namespace ResilientProxy.ProtocolTests.Peers;

/// <summary>Another reverse proxy as a process of its own, in front of one upstream, with its usual settings.</summary>
internal sealed class PeerProxy : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _folder;

    private PeerProxy(Process process, DirectoryInfo folder, IPEndPoint endPoint)
    {
        (_process, _folder, EndPoint) = (process, folder, endPoint);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Starts nginx.</summary>
    /// <param name="upstream">Where it forwards to.</param>
    public static Task<PeerProxy> StartNginxAsync(IPEndPoint upstream) => StartAsync("nginx", ["-c", "{config}", "-p", "{folder}", "-e", "stderr"], (port, folder) => $$"""
        daemon off;
        master_process off;
        pid {{folder}}/pid;
        error_log stderr crit;
        events { }
        http {
          access_log off;
          client_body_temp_path {{folder}}/body;
          proxy_temp_path {{folder}}/proxy;
          fastcgi_temp_path {{folder}}/fastcgi;
          uwsgi_temp_path {{folder}}/uwsgi;
          scgi_temp_path {{folder}}/scgi;
          upstream backend { server {{upstream}} max_fails=0; keepalive 16; }
          server {
            listen 127.0.0.1:{{port}};
            client_header_timeout 3s;
            client_body_timeout 3s;
            location / {
              proxy_pass http://backend;
              proxy_http_version 1.1;
              proxy_next_upstream off;
              proxy_read_timeout 3s;
              proxy_set_header Connection "";
              proxy_set_header Host $http_host;
              proxy_set_header X-Forwarded-For $remote_addr;
              proxy_set_header X-Forwarded-Proto $scheme;
            }
          }
        }
        """);

    /// <summary>Starts HAProxy.</summary>
    /// <param name="upstream">Where it forwards to.</param>
    public static Task<PeerProxy> StartHaproxyAsync(IPEndPoint upstream) => StartAsync("haproxy", ["-db", "-q", "-f", "{config}"], (port, _) => $$"""
        global
          maxconn 200
        defaults
          mode http
          retries 0
          timeout connect 3s
          timeout client 3s
          timeout server 3s
          timeout http-request 3s
          timeout http-keep-alive 3s
        frontend front
          bind 127.0.0.1:{{port}}
          http-request set-header X-Forwarded-Proto http
          http-request set-header X-Forwarded-For %[src]
          default_backend back
        backend back
          server a {{upstream}}

        """);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private static async Task<PeerProxy> StartAsync(string program, string[] arguments, Func<int, string, string> config)
    {
        var folder = Directory.CreateTempSubdirectory("resilient-proxy-peer-");
        var endPoint = new IPEndPoint(IPAddress.Loopback, FreePort());
        var file = Path.Combine(folder.FullName, "config");
        await File.WriteAllTextAsync(file, config(endPoint.Port, folder.FullName));
        var start = new ProcessStartInfo(FactIfInstalledAttribute.PathOf(program)!, arguments.Select(argument =>
            argument.Replace("{config}", file, StringComparison.Ordinal).Replace("{folder}", folder.FullName, StringComparison.Ordinal)));
        start.RedirectStandardError = true;
        var process = Process.Start(start)!;
        var peer = new PeerProxy(process, folder, endPoint);
        try
        {
            await Eventually.TrueAsync(() => peer.ListensAsync(program), $"{program} listens at {endPoint}");
            return peer;
        }
        catch
        {
            if (!process.HasExited)
            {
                await peer.DisposeAsync();
            }

            throw;
        }
    }

    private async Task<bool> ListensAsync(string program)
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"{program} ended with {_process.ExitCode}: {await _process.StandardError.ReadToEndAsync()}");
        }

        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(EndPoint);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // These programs do not say which port they took: one that was free a moment ago is as near as it gets.
    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
