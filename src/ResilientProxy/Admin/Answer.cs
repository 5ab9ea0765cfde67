using System.Text;

namespace ResilientProxy.Admin;

/// <summary>Writes the answers of this listener.</summary>
/// <remarks>
/// Its endpoints take the context and write for themselves. What ASP.NET makes of a handler with parameters and results is compiled when the
/// endpoint is made, on the way to the first request of the traffic.
/// </remarks>
internal static class Answer
{
    /// <summary>The content type of JSON.</summary>
    public const string Json = "application/json";

    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>Writes a text.</summary>
    /// <param name="context">Whom to.</param>
    /// <param name="text">The text.</param>
    /// <param name="status">Its status.</param>
    /// <param name="contentType">What it is.</param>
    public static Task TextAsync(HttpContext context, string text, int status = StatusCodes.Status200OK, string contentType = PlainText) =>
        BytesAsync(context, Encoding.UTF8.GetBytes(text), contentType, status);

    /// <summary>Writes bytes.</summary>
    /// <param name="context">Whom to.</param>
    /// <param name="bytes">The whole body.</param>
    /// <param name="contentType">What it is.</param>
    /// <param name="status">Its status.</param>
    public static Task BytesAsync(HttpContext context, byte[] bytes, string contentType, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }
}
