namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>A kind of request, and how many of them at a time.</summary>
/// <param name="Name">Its name on the command line and in the figures.</param>
/// <param name="Title">Its name in the table.</param>
/// <param name="Path">What is asked of the upstream.</param>
/// <param name="Connections">Connections, each with one request at a time.</param>
/// <param name="PostBytes">Bytes of the request's body; 0 for a GET.</param>
/// <param name="Variants">Whether ResilientProxy is measured in its other settings, too.</param>
internal sealed record LoadCase(string Name, string Title, string Path, int Connections, int PostBytes = 0, bool Variants = false)
{
    /// <summary>All of them.</summary>
    public static readonly LoadCase[] All =
    [
        new("get-1", "GET 100 B, 1 connection", "/small", 1),
        new("get-64", "GET 100 B, 64 connections", "/small", 64, Variants: true),
        new("get-1024", "GET 100 B, 1,024 connections", "/small", 1024),
        new("post-64", "POST 1 KiB, 64 connections", "/small", 64, PostBytes: 1024, Variants: true),
        new("body-64k", "GET 64 KiB, 64 connections", "/64k", 64),
        new("body-10m", "GET 10 MiB, 8 connections", "/10m", 8),
    ];
}
