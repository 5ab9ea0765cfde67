namespace ResilientProxy.Forwarding;

/// <summary>How long an attempt's answer may last: what a drain goes by.</summary>
internal enum LifeSpan
{
    /// <summary>It ends by itself: it has the whole drain for that.</summary>
    Finite,

    /// <summary>It says no length, and may be a stream without an end or a large page: it has most of the drain.</summary>
    Unknown,

    /// <summary>It ends when one side has had enough: a WebSocket, or a stream of events.</summary>
    Endless,
}
