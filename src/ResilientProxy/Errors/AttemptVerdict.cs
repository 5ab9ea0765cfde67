namespace ResilientProxy.Errors;

/// <summary>What an attempt says about its destination to everything that learns from attempts: breaker, adaptive limit, latency estimate.</summary>
internal enum AttemptVerdict
{
    /// <summary>The destination did its work.</summary>
    Success,

    /// <summary>The destination failed: no connection, a reset, a timeout, or a 500, 502, 503 or 504 that is no back pressure.</summary>
    Failure,

    /// <summary>Nothing: the client left, another attempt won, or the destination asked for less traffic.</summary>
    Nothing,
}
