using System.Buffers;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Forwarding;

/// <summary>Writes the upstream's request target with the path's bytes as the client wrote them.</summary>
/// <remarks>
/// YARP builds it from the decoded path and so changes escapes (<c>%2F</c> becomes <c>%252F</c>). The raw target is used instead wherever the
/// route's transforms leave the path or only cut or add a prefix, and where it holds nothing but what RFC 3986 allows in a path and no dot
/// segment: the routes were matched on the decoded path without dot segments, and what is forwarded must not mean another resource.
/// </remarks>
internal sealed class RequestTarget
{
    // What may stand in a path: RFC 3986 section 3.3, and what browsers send unescaped all the same. No space, no control, no '#', no '?'.
    private static readonly SearchValues<char> PathCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%|^`{}[]\"");

    private static readonly SearchValues<char> QueryCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%|^`{}[]\"?<>\\");

    private static readonly UriCreationOptions AsWritten = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly (bool Cut, string Prefix)[]? _prefixes;
    private readonly bool _keepsQuery;

    /// <summary>Reads from a route's transforms how much of the target they leave alone.</summary>
    /// <param name="route">The route.</param>
    public RequestTarget(RouteConfig route)
    {
        var prefixes = new List<(bool, string)>();
        var keepsPath = true;
        _keepsQuery = true;
        foreach (var transform in route.Transforms ?? [])
        {
            foreach (var (key, value) in transform)
            {
                if (key.Equals("PathRemovePrefix", StringComparison.OrdinalIgnoreCase))
                {
                    prefixes.Add((true, value));
                }
                else if (key.Equals("PathPrefix", StringComparison.OrdinalIgnoreCase))
                {
                    prefixes.Add((false, value.StartsWith('/') ? value.TrimEnd('/') : "/" + value.TrimEnd('/')));
                }
                else if (key.StartsWith("Path", StringComparison.OrdinalIgnoreCase))
                {
                    keepsPath = false;
                }
                else if (key.StartsWith("Query", StringComparison.OrdinalIgnoreCase))
                {
                    _keepsQuery = false;
                }
            }
        }

        _prefixes = keepsPath ? [.. prefixes] : null;
    }

    /// <summary>The upstream's URI for a request.</summary>
    /// <param name="rawTarget">The target as the client wrote it.</param>
    /// <param name="destination">The destination's URL prefix.</param>
    /// <param name="fromYarp">What YARP's transforms made of it: used where the raw target may not be.</param>
    public Uri Build(string? rawTarget, string destination, Uri fromYarp) => Make(rawTarget, destination, fromYarp) ?? fromYarp;

    /// <summary>The same where YARP's transforms have no say in it: they need not make a URI then. Null where they have.</summary>
    /// <param name="rawTarget">The target as the client wrote it.</param>
    /// <param name="destination">The destination's URL prefix.</param>
    public Uri? BuildAlone(string? rawTarget, string destination) => _keepsQuery ? Make(rawTarget, destination, fromYarp: null) : null;

    /// <summary>The target's parts where the route's transforms leave it alone, and it may go on as the client wrote it.</summary>
    /// <param name="rawTarget">The target as the client wrote it.</param>
    /// <param name="path">Its path.</param>
    /// <param name="query">Its query with the question mark; empty where there is none.</param>
    /// <returns>Whether it is so.</returns>
    public bool TryGetPlain(string? rawTarget, out ReadOnlySpan<char> path, out ReadOnlySpan<char> query)
    {
        path = query = default;
        return _prefixes is [] && _keepsQuery && TryGetParts(rawTarget, out path, out query);
    }

    private Uri? Make(string? rawTarget, string destination, Uri? fromYarp)
    {
        if (_prefixes is null || !TryGetParts(rawTarget, out var path, out var query))
        {
            return null;
        }

        var rest = path;
        var added = "";
        foreach (var (cut, prefix) in _prefixes)
        {
            if (!cut)
            {
                added = prefix + added;
            }
            else if (added.Length > 0 || !TryCut(ref rest, prefix))
            {
                return null;
            }
        }

        var query2 = _keepsQuery ? query : fromYarp!.Query;
        var uri = string.Concat(string.Concat(destination.AsSpan().TrimEnd('/'), added), rest, query2);
        return Uri.TryCreate(uri, AsWritten, out var made) ? made : null;
    }

    private static bool TryGetParts(string? rawTarget, out ReadOnlySpan<char> path, out ReadOnlySpan<char> query) =>
        TrySplit(rawTarget, out path, out query) && IsPlain(path) && !query.ContainsAnyExcept(QueryCharacters);

    // Origin form, or absolute form without its scheme and authority: RFC 9112 section 3.2.
    private static bool TrySplit(ReadOnlySpan<char> target, out ReadOnlySpan<char> path, out ReadOnlySpan<char> query)
    {
        path = query = default;
        if (target.IsEmpty)
        {
            return false;
        }

        if (target[0] != '/')
        {
            var authority = target.IndexOf("://", StringComparison.Ordinal);
            var slash = authority < 0 ? -1 : target[(authority + 3)..].IndexOf('/');
            if (slash < 0 || target[..(authority + 3 + slash)].Contains('?'))
            {
                return false;
            }

            target = target[(authority + 3 + slash)..];
        }

        var mark = target.IndexOf('?');
        path = mark < 0 ? target : target[..mark];
        query = mark < 0 ? default : target[mark..];
        return true;
    }

    private static bool IsPlain(ReadOnlySpan<char> path)
    {
        if (path.ContainsAnyExcept(PathCharacters))
        {
            return false;
        }

        if (!path.Contains("/.", StringComparison.Ordinal) && !path.Contains("/%2e", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        foreach (var range in path.Split('/'))
        {
            var segment = path[range];
            var dots = 0;
            while (!segment.IsEmpty)
            {
                if (segment[0] == '.')
                {
                    segment = segment[1..];
                }
                else if (segment.StartsWith("%2e", StringComparison.OrdinalIgnoreCase))
                {
                    segment = segment[3..];
                }
                else
                {
                    dots = 0;
                    break;
                }

                dots++;
            }

            if (dots is 1 or 2)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryCut(ref ReadOnlySpan<char> path, string prefix)
    {
        var wanted = prefix.AsSpan().TrimEnd('/');
        if (!path.StartsWith(wanted, StringComparison.OrdinalIgnoreCase) || (path.Length > wanted.Length && path[wanted.Length] != '/'))
        {
            return false;
        }

        path = path[wanted.Length..];
        if (path.IsEmpty)
        {
            path = "/";
        }

        return true;
    }
}
