namespace ResilientProxy.Forwarding;

/// <summary>Refuses answers the client could not make sense of, and takes away what may not stand in one: what the transport lets through.</summary>
internal static class ResponseChecks
{
    private const string TransferEncoding = "Transfer-Encoding";
    private const string ContentLength = "Content-Length";

    /// <summary>Looks at the head of a response.</summary>
    /// <param name="response">The response; given up where it is refused, and with it its connection.</param>
    /// <exception cref="HttpRequestException">It is no response HTTP allows.</exception>
    public static HttpResponseMessage Checked(HttpResponseMessage response)
    {
        // RFC 9112 section 6.1: only the chunks are undone; in any other coding the client would get bytes it was not told the meaning of.
        if (response.Headers.NonValidated.TryGetValues(TransferEncoding, out var codings)
            && !(codings.Count == 1 && codings.ToString().Equals("chunked", StringComparison.OrdinalIgnoreCase)))
        {
            response.Dispose();
            throw new HttpRequestException(HttpRequestError.InvalidResponse, $"The upstream's transfer coding '{codings}' is none of this proxy's.");
        }

        switch ((int)response.StatusCode)
        {
            case StatusCodes.Status204NoContent:
                response.Content.Headers.Remove(ContentLength); // RFC 9110 section 8.6: never in a 204
                break;
            case StatusCodes.Status205ResetContent:
                response.Content.Headers.ContentLength = 0; // RFC 9110 section 15.3.6: it has no content, and says so
                break;
        }

        return response;
    }
}
