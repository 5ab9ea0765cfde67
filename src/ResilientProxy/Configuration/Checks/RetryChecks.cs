using System.Globalization;
using ResilientProxy.Retry;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Checks;

/// <summary>What a route retries, and for whom.</summary>
internal static class RetryChecks
{
    private static readonly string[] NotIdempotent = [HttpMethods.Post, HttpMethods.Patch];
    private static readonly string[] WithBody = [HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch];

    // The answer stays the same however often it is asked for: all of 4xx but the ones that are about time or about the connection, and these.
    private static readonly int[] NotTransient = [StatusCodes.Status501NotImplemented, StatusCodes.Status505HttpVersionNotsupported, StatusCodes.Status508LoopDetected];
    private static readonly int[] Transient =
        [StatusCodes.Status408RequestTimeout, StatusCodes.Status421MisdirectedRequest, StatusCodes.Status423Locked, 425 /* Too Early, RFC 8470 */, StatusCodes.Status429TooManyRequests];

    /// <summary>Checks one route.</summary>
    /// <param name="route">The route.</param>
    /// <param name="shared">What all routes share.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(CheckedRoute route, ResilienceSection shared, Findings findings)
    {
        if (route.Options.Retry is not { } retry)
        {
            return;
        }

        CheckConditions(route, retry, findings);
        CheckMethods(route, retry, findings);
        CheckReplay(route, retry, shared, findings);
    }

    private static void CheckConditions(CheckedRoute route, RetryOptions retry, Findings findings)
    {
        var node = route.At("Retry", "On");
        if (retry.On.Count == 0)
        {
            findings.Warning(node, "nothing is retried; name what is, or write \"Retry\": \"off\"");
        }

        foreach (var status in retry.On.Select(condition => condition.Status).Where(status => (status is >= 400 and < 500 && !Transient.Contains(status)) || NotTransient.Contains(status)))
        {
            findings.Warning(node, string.Create(CultureInfo.InvariantCulture,
                $"a retry after {status} gets the same answer again and only adds load; remove \"{status}\""));
        }

        if (retry.On.FirstOrDefault(condition => condition.GrpcStatus > 0) is { Text: { } grpc } && !retry.Methods.Contains(HttpMethods.Post, StringComparer.OrdinalIgnoreCase))
        {
            findings.Warning(node, $"\"{grpc}\" is never retried: gRPC calls are POST requests, and Methods does not name POST; add it where the calls may be made twice");
        }
    }

    private static void CheckMethods(CheckedRoute route, RetryOptions retry, Findings findings)
    {
        var node = route.At("Retry", "Methods");
        foreach (var method in retry.Methods.Where(method => !HttpToken.Is(method)))
        {
            findings.Error(node, $"\"{method}\" is no method; write one a string, such as \"GET\"");
        }

        // A gRPC condition beside it says that the calls were thought of.
        if (retry.MaxRetryAttempts == 0 || IsKeyed(route) || retry.On.Any(condition => condition.GrpcStatus > 0))
        {
            return;
        }

        foreach (var method in NotIdempotent.Where(method => retry.Methods.Contains(method, StringComparer.OrdinalIgnoreCase) && Takes(route, method)))
        {
            findings.Warning(node,
                $"a {method} that is sent again may take effect twice, and nothing says that the upstream notices; remove \"{method}\", or let the route match on the header Idempotency-Key");
        }
    }

    private static void CheckReplay(CheckedRoute route, RetryOptions retry, ResilienceSection shared, Findings findings)
    {
        var node = route.At("Retry", "MaxReplayBytes");
        if (retry.MaxReplayBytes == 0 && route.Wrote("Retry", "Methods")
            && WithBody.FirstOrDefault(method => retry.Methods.Contains(method, StringComparer.OrdinalIgnoreCase)) is { } method)
        {
            findings.Warning(node, $"Methods names {method}, but with MaxReplayBytes 0 no request with a body is sent again; raise it, or remove {method}");
        }

        // A memory of nothing switches replaying off: who does so means it.
        if (retry.MaxReplayBytes > shared.MaxReplayMemory && (shared.MaxReplayMemory > 0 || route.Wrote("Retry", "MaxReplayBytes")))
        {
            findings.Warning(node,
                $"a body of {ByteSize.Format(retry.MaxReplayBytes)} does not fit into Resilience.MaxReplayMemory, which is {ByteSize.Format(shared.MaxReplayMemory)} for all requests together; lower MaxReplayBytes or raise MaxReplayMemory");
        }
    }

    private static bool IsKeyed(CheckedRoute route) =>
        route.Yarp.Match?.Headers?.Any(header => string.Equals(header.Name, "Idempotency-Key", StringComparison.OrdinalIgnoreCase)
            && header.Mode is not (Yarp.ReverseProxy.Configuration.HeaderMatchMode.NotExists or Yarp.ReverseProxy.Configuration.HeaderMatchMode.NotContains)) == true;

    private static bool Takes(CheckedRoute route, string method) =>
        route.Yarp.Match?.Methods is not { Count: > 0 } methods || methods.Contains(method, StringComparer.OrdinalIgnoreCase);
}
