using Microsoft.Extensions.Primitives;

namespace ResilientProxy.Forwarding;

/// <summary>What two proxies of ours in a row tell each other, so that their attempts do not multiply.</summary>
internal static class HopStatus
{
    /// <summary>On a forwarded request: which attempt it is, from 1.</summary>
    public const string AttemptCount = "X-Attempt-Count";

    /// <summary>The response field of RFC 9209.</summary>
    public const string ProxyStatus = "Proxy-Status";

    private const string Name = "resilient-proxy";
    private const string Parameter = "retry-stopped=";

    /// <summary>The parameter that says why no further attempt was made; empty where nothing forbids the next hop one of its own.</summary>
    /// <param name="stopped">Why there was none; null where none was wanted.</param>
    public static string ParameterOf(string? stopped) =>
        stopped is RetryDecision.Attempts or RetryDecision.Budget ? $"; {Parameter}{stopped}" : "";

    /// <summary>Marks an upstream's answer that went through because no further attempt was allowed.</summary>
    /// <param name="headers">The response's headers.</param>
    /// <param name="stopped">Why there was none.</param>
    /// <param name="status">The upstream's status.</param>
    public static void Mark(IHeaderDictionary headers, string? stopped, int status)
    {
        if (ParameterOf(stopped) is { Length: > 0 } parameter)
        {
            headers[ProxyStatus] = StringValues.Concat(headers[ProxyStatus], $"{Name}; received-status={status}{parameter}");
        }
    }

    /// <summary>Whether another instance of ours has tried as often as it may: one more try here would be a multiple of its tries.</summary>
    /// <param name="response">The answer of the next hop.</param>
    public static bool HasGivenUp(HttpResponseMessage response)
    {
        if (!response.Headers.NonValidated.TryGetValues(ProxyStatus, out var values))
        {
            return false;
        }

        foreach (var value in values)
        {
            if (value.Contains(Name, StringComparison.Ordinal) && value.Contains(Parameter, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
