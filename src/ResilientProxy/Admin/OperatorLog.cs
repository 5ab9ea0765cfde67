using System.Net;

namespace ResilientProxy.Admin;

/// <summary>The audit trail: a line for each verb that was carried out, with what it was done to and from where it came.</summary>
internal static partial class OperatorLog
{
    /// <summary>A verb is carried out.</summary>
    /// <param name="logger">The log.</param>
    /// <param name="address">Who asked.</param>
    /// <param name="verb">What for.</param>
    [LoggerMessage(LogLevel.Information, "Operator at {Address}: {Verb}.")]
    public static partial void Verb(ILogger logger, IPAddress? address, string verb);

    /// <summary>A verb is carried out on a destination.</summary>
    /// <param name="logger">The log.</param>
    /// <param name="address">Who asked.</param>
    /// <param name="verb">What for.</param>
    /// <param name="cluster">The cluster.</param>
    /// <param name="destination">The destination.</param>
    /// <param name="howLong">For how long.</param>
    [LoggerMessage(LogLevel.Information, "Operator at {Address}: {Verb} {Cluster}/{Destination}{HowLong}.")]
    public static partial void Circuit(ILogger logger, IPAddress? address, string verb, string cluster, string destination, string howLong);
}
