namespace ResilientProxy.Http1;

/// <summary>What came is no response that HTTP/1.1 allows.</summary>
/// <param name="flaw">What is wrong with it, without the bytes.</param>
internal sealed class MalformedAnswerException(string flaw) : HttpIOException(HttpRequestError.InvalidResponse, $"The upstream's response is malformed: {flaw}.");

/// <summary>A response's head, or its trailers, are larger than allowed.</summary>
/// <param name="limit">The limit, in bytes.</param>
internal sealed class AnswerTooLargeException(int limit)
    : HttpIOException(HttpRequestError.ConfigurationLimitExceeded, $"The upstream's response has more than {limit} bytes of headers.");
