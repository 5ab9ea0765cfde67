using System.Text;

namespace ResilientProxy.Fallback;

/// <summary>The static answer of a route, ready to be sent.</summary>
internal sealed class FallbackAnswer
{
    /// <summary>The largest body in bytes: it is held in memory.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    private readonly FallbackOptions _options;
    private readonly byte[] _body;

    /// <summary>Prepares the answer.</summary>
    /// <param name="options">The route's options.</param>
    /// <exception cref="IOException">The body's file cannot be read, or is too large.</exception>
    /// <exception cref="UnauthorizedAccessException">The body's file may not be read.</exception>
    public FallbackAnswer(FallbackOptions options)
    {
        _options = options;
        _body = options.BodyFile is { } file ? ReadBody(file) : Encoding.UTF8.GetBytes(options.Body ?? "");
    }

    /// <summary>Sends it.</summary>
    /// <param name="context">The request; its response must be clear and must not have started.</param>
    /// <returns>How many bytes of body went out.</returns>
    public async Task<int> WriteAsync(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = _options.StatusCode;
        response.ContentType = _options.ContentType;
        foreach (var (name, value) in _options.Headers)
        {
            response.Headers[name] = value;
        }

        if (response.StatusCode is StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent or StatusCodes.Status304NotModified)
        {
            return 0;
        }

        response.ContentLength = _body.Length;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return 0;
        }

        await response.BodyWriter.WriteAsync(_body, context.RequestAborted);
        return _body.Length;
    }

    /// <summary>Reads a body's file.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="IOException">It cannot be read, or is too large.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] ReadBody(string file) =>
        new FileInfo(file).Length <= MaxBodyBytes
            ? File.ReadAllBytes(file)
            : throw new IOException($"it is larger than {MaxBodyBytes} bytes, which is the most a fallback may hold");
}
