using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>The upstream, the proxies before it and their config files in a folder that goes away with them.</summary>
internal sealed class Contestants : IDisposable
{
    /// <summary>ResilientProxy as it comes: policy <c>standard</c>, metrics on; the access log is off, as the others have none.</summary>
    public const string Resilient = "resilient-proxy";

    /// <summary>The same with the policy <c>none</c>.</summary>
    public const string ResilientNone = "resilient-proxy, policy none";

    /// <summary>The same with an access log, written to a file.</summary>
    public const string ResilientLog = "resilient-proxy, access log";

    /// <summary>YARP with nothing around it.</summary>
    public const string Yarp = "bare YARP";

    /// <summary>nginx as a proxy.</summary>
    public const string Nginx = "nginx";

    // More than the defaults of a cluster's bulkhead let through: 1,024 clients of one destination want it, and thousands of streams.
    private const int MostConcurrent = 20_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("resilient-proxy-benchmark-").FullName;
    private readonly List<TargetProcess> _targets = [];
    private readonly string _proxy;
    private TargetProcess? _upstream;

    private Contestants(string proxy) => _proxy = proxy;

    /// <summary>The proxies.</summary>
    public IReadOnlyList<TargetProcess> Targets => _targets;

    /// <summary>Starts the upstream and the proxies that are installed.</summary>
    /// <param name="proxy">The published ResilientProxy.</param>
    /// <param name="shortForm">ResilientProxy and bare YARP only.</param>
    public static async Task<Contestants> StartAsync(string proxy, bool shortForm)
    {
        var all = new Contestants(Path.GetFullPath(proxy));
        try
        {
            await all.StartUpstreamAsync();
            all._targets.Add(await all.StartResilientAsync(Resilient));
            all._targets.Add(await StartYarpAsync(all.UpstreamUrl));
            if (!shortForm)
            {
                all._targets.Add(await all.StartNginxAsync());
                await all.StartInstalledAsync();
                all._targets.Add(await all.StartResilientAsync(ResilientNone));
                all._targets.Add(await all.StartResilientAsync(ResilientLog));
            }

            return all;
        }
        catch
        {
            all.Dispose();
            throw;
        }
    }

    /// <summary>The address of the upstream, without a slash at the end.</summary>
    public string UpstreamUrl => _upstream!.Url;

    /// <summary>Starts ResilientProxy in one of its settings.</summary>
    /// <param name="name">Which.</param>
    public Task<TargetProcess> StartResilientAsync(string name) => StartResilientAsync(name, UpstreamUrl, routes: 0, http2: false, out _, out _);

    /// <summary>Starts ResilientProxy.</summary>
    /// <param name="name">Its name in the figures.</param>
    /// <param name="upstream">Where requests go.</param>
    /// <param name="routes">0 for one route that takes everything; else one route for <c>/small</c> among so many.</param>
    /// <param name="http2">HTTP/2 without TLS on both sides, in place of HTTP/1.1.</param>
    /// <param name="file">Its config file.</param>
    /// <param name="adminUrl">Its admin listener.</param>
    public Task<TargetProcess> StartResilientAsync(string name, string upstream, int routes, bool http2, out string file, out string adminUrl)
    {
        var port = TargetProcess.FreePort();
        adminUrl = $"http://127.0.0.1:{TargetProcess.FreePort()}";
        var policy = name == ResilientNone ? "none" : "standard";
        var endpoint = new Dictionary<string, string> { ["Url"] = $"http://127.0.0.1:{port}" };
        var cluster = new Dictionary<string, object>
        {
            ["Destinations"] = new { a = new { Address = upstream } },
            ["Resilience"] = new { Bulkhead = new { MaxConcurrent = MostConcurrent, MaxConcurrentPerDestination = MostConcurrent } },
        };

        if (http2)
        {
            endpoint["Protocols"] = "Http2";
            cluster["HttpRequest"] = new { Version = "2.0", VersionPolicy = "RequestVersionExact" };
        }

        var config = new
        {
            Kestrel = new { Endpoints = new { Http = endpoint } },
            Admin = new { Url = adminUrl },
            AccessLog = new { Path = name == ResilientLog ? Path.Combine(_folder, "logs", "access.log") : "off" },
            ReverseProxy = new { Routes = Routes(routes, policy), Clusters = new { upstream = cluster } },
        };
        file = Write($"proxy-{port}.json", JsonSerializer.Serialize(config));
        return TargetProcess.StartAsync(
            http2 ? HttpVersion.Version20 : HttpVersion.Version11, name, port, http2 ? null : adminUrl + "/metrics", _proxy, "run", "--config", file);
    }

    /// <summary>Starts bare YARP.</summary>
    /// <param name="upstream">Where requests go.</param>
    /// <param name="http2">HTTP/2 without TLS on both sides, in place of HTTP/1.1.</param>
    public static Task<TargetProcess> StartYarpAsync(string upstream, bool http2 = false)
    {
        var port = TargetProcess.FreePort();
        string[] arguments = [typeof(Contestants).Assembly.Location, "bare-yarp", $"http://127.0.0.1:{port}", upstream, .. http2 ? (string[])["http2"] : []];
        return TargetProcess.StartAsync(
            http2 ? HttpVersion.Version20 : HttpVersion.Version11, Yarp, port, http2 ? null : $"http://127.0.0.1:{port}{BareYarp.AllocatedPath}", "dotnet", arguments);
    }

    /// <summary>Starts an upstream that speaks HTTP/2 without TLS.</summary>
    public Task<TargetProcess> StartHttp2UpstreamAsync()
    {
        var port = TargetProcess.FreePort();
        var config = NginxConfig("upstream2", $$"""
            server {
                listen 127.0.0.1:{{port}} http2 backlog=4096;
                location = /small { default_type text/plain; return 200 "{{new string('x', 100)}}"; }
            }
            """);
        return TargetProcess.StartAsync(HttpVersion.Version20, "HTTP/2 upstream", port, null, Find("nginx")!, "-e", "stderr", "-c", config);
    }

    // Every route is on its way to be matched: they share the first segment's place with the one that is asked for.
    private static Dictionary<string, object> Routes(int count, string policy)
    {
        var resilience = new { Policy = policy };
        var routes = new Dictionary<string, object>
        {
            ["all"] = new { ClusterId = "upstream", Match = new { Path = count == 0 ? "/{**rest}" : "/small" }, Resilience = resilience },
        };
        for (var i = 1; i < count; i++)
        {
            routes[$"route-{i}"] = new { ClusterId = "upstream", Match = new { Path = $"/service-{i}/{{**rest}}" }, Resilience = resilience };
        }

        return routes;
    }

    /// <summary>The script that makes wrk send a body; null where the case has none.</summary>
    /// <param name="load">The case.</param>
    public string? ScriptOf(LoadCase load) => load.PostBytes == 0
        ? null
        : Write($"{load.Name}.lua", $"""
            wrk.method = "POST"
            wrk.body = string.rep("x", {load.PostBytes})
            wrk.headers["Content-Type"] = "application/octet-stream"
            """);

    /// <summary>A config like another, with one route for <c>/small</c> among so many.</summary>
    /// <param name="config">The other.</param>
    /// <param name="routes">How many routes.</param>
    public static string ConfigLike(string config, int routes)
    {
        var root = JsonNode.Parse(config)!;
        root["ReverseProxy"]!["Routes"] = JsonSerializer.SerializeToNode(Routes(routes, "standard"));
        return root.ToJsonString();
    }

    /// <summary>Ends the proxies; the upstream stays.</summary>
    public void EndTargets()
    {
        _targets.ForEach(target => target.Dispose());
        _targets.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        EndTargets();

        _upstream?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Whether a program is there.</summary>
    /// <param name="program">Its name.</param>
    public static bool IsInstalled(string program) => Find(program) is not null;

    // Debian keeps servers where only an administrator's shell looks.
    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/usr/local/sbin").Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private async Task StartUpstreamAsync()
    {
        var port = TargetProcess.FreePort();
        await File.WriteAllBytesAsync(Path.Combine(_folder, "64k"), new byte[64 * 1024]);
        await File.WriteAllBytesAsync(Path.Combine(_folder, "10m"), new byte[10 * 1024 * 1024]);
        var config = NginxConfig("upstream", $$"""
            sendfile on;
            server {
                listen 127.0.0.1:{{port}} backlog=4096;
                root {{_folder}};
                location = /small { default_type text/plain; return 200 "{{new string('x', 100)}}"; }
            }
            """);
        _upstream = await TargetProcess.StartAsync("upstream", port, null, Find("nginx")!, "-e", "stderr", "-c", config);
    }

    private Task<TargetProcess> StartNginxAsync()
    {
        var port = TargetProcess.FreePort();
        var config = NginxConfig("proxy", $$"""
            upstream app { server {{_upstream!.Url["http://".Length..]}}; keepalive 1024; keepalive_requests 100000000; }
            server {
                listen 127.0.0.1:{{port}} backlog=4096;
                location / {
                    proxy_pass http://app;
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_max_temp_file_size 0;
                }
            }
            """);
        return TargetProcess.StartAsync(Nginx, port, null, Find("nginx")!, "-e", "stderr", "-c", config);
    }

    private async Task StartInstalledAsync()
    {
        if (Find("haproxy") is { } haproxy)
        {
            var port = TargetProcess.FreePort();
            var config = Write("haproxy.cfg", $"""
                global
                    nbthread 1
                    maxconn 4096
                defaults
                    mode http
                    timeout connect 3s
                    timeout client 60s
                    timeout server 60s
                    http-reuse always
                frontend in
                    bind 127.0.0.1:{port}
                    default_backend app
                backend app
                    server a {_upstream!.Url["http://".Length..]}

                """);
            _targets.Add(await TargetProcess.StartAsync("HAProxy", port, null, haproxy, "-db", "-f", config));
        }

        if (Find("caddy") is { } caddy)
        {
            var port = TargetProcess.FreePort();
            var config = Write("Caddyfile", $$"""
                {
                    admin off
                    auto_https off
                }
                http://127.0.0.1:{{port}} {
                    bind 127.0.0.1
                    reverse_proxy {{_upstream!.Url["http://".Length..]}}
                }

                """);
            _targets.Add(await TargetProcess.StartAsync("Caddy", port, null, caddy, "run", "--adapter", "caddyfile", "--config", config));
        }
    }

    // One process, which is both master and worker: its CPU time is all there is.
    private string NginxConfig(string name, string http) => Write($"nginx-{name}.conf", $$"""
        daemon off;
        master_process off;
        worker_processes 1;
        pid {{_folder}}/nginx-{{name}}.pid;
        events { worker_connections 8192; }
        http {
            access_log off;
            keepalive_requests 100000000;
            client_body_temp_path {{_folder}}/{{name}}-body;
            proxy_temp_path {{_folder}}/{{name}}-proxy;
            fastcgi_temp_path {{_folder}}/{{name}}-fastcgi;
            uwsgi_temp_path {{_folder}}/{{name}}-uwsgi;
            scgi_temp_path {{_folder}}/{{name}}-scgi;
            {{http}}
        }

        """);

    private string Write(string name, string text)
    {
        var file = Path.Combine(_folder, name);
        File.WriteAllText(file, text);
        return file;
    }
}
