using System.Globalization;

namespace ResilientProxy.Forwarding;

/// <summary>The words for how an attempt ended, besides the error words of RFC 9209: the same in metrics, access log and trail.</summary>
internal static class Words
{
    /// <summary>A whole response that is no server error.</summary>
    public const string Success = "success";

    /// <summary>The client went away.</summary>
    public const string ClientLeft = "client_left";

    /// <summary>The client's own message was at fault.</summary>
    public const string ClientError = "client_error";

    /// <summary>Nobody waited for it any more.</summary>
    public const string Abandoned = "abandoned";

    /// <summary>A retry rescued the request.</summary>
    public const string ByRetry = "retry";

    /// <summary>A hedge rescued the request.</summary>
    public const string ByHedge = "hedge";

    /// <summary>The fallback rescued the request.</summary>
    public const string ByFallback = "fallback";

    /// <summary>Another attempt beside it answered first.</summary>
    public const string HedgeLost = "hedge_lost";

    /// <summary>Whether an attempt that ended so speaks against its destination.</summary>
    /// <param name="outcome">The word.</param>
    public static bool IsFailure(string outcome) => outcome is not (Success or ClientLeft or ClientError or HedgeLost or Abandoned);

    private static readonly string[] GrpcStatuses = [.. Enumerable.Range(0, 17).Select(status => $"grpc_{status}")];

    private static readonly string[] Statuses = [.. Enumerable.Range(0, 1000).Select(status => status.ToString(CultureInfo.InvariantCulture))];

    /// <summary>A response by its status, as the config writes it.</summary>
    /// <param name="status">The status, 100 to 999.</param>
    public static string OfStatus(int status) => Statuses[status];

    /// <summary>A gRPC answer by its status.</summary>
    /// <param name="status">The <c>grpc-status</c>, 0 to 16.</param>
    public static string OfGrpc(int status) => GrpcStatuses[status];
}
