namespace ResilientProxy.Admin;

/// <summary><c>GET /</c>: the dashboard, a page that is part of the program and loads nothing from elsewhere.</summary>
internal static class DashboardEndpoints
{
    // What the page may do, so that a name or a path that holds markup could do nothing even if the page had a fault.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Adds the endpoints.</summary>
    /// <param name="app">The admin listener.</param>
    public static void Map(WebApplication app)
    {
        Map(app, "/", "index.html", "text/html; charset=utf-8");
        Map(app, "/app.js", "app.js", "text/javascript; charset=utf-8");
        Map(app, "/style.css", "style.css", "text/css; charset=utf-8");
    }

    private static void Map(WebApplication app, string path, string file, string contentType)
    {
        var bytes = new Lazy<byte[]>(() => Read(file)); // most processes are never looked at
        app.MapGet(path, context =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers.CacheControl = "no-cache";
            return Answer.BytesAsync(context, bytes.Value, contentType);
        });
    }

    private static byte[] Read(string file)
    {
        using var stream = typeof(DashboardEndpoints).Assembly.GetManifestResourceStream($"dashboard/{file}")!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
