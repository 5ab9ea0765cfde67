using System.Security.Cryptography;
using System.Text;

namespace ResilientProxy.Admin;

/// <summary>Who may use a verb: no page of another origin, and where a token is set only who knows it.</summary>
/// <param name="token">The token; null for none.</param>
/// <param name="logger">Takes a line for each refusal.</param>
internal sealed partial class OperatorGuard(string? token, ILogger logger)
{
    private const string Scheme = "Bearer ";

    /// <summary>Lets nobody else to a verb.</summary>
    /// <param name="verb">What the verb does.</param>
    public RequestDelegate Protect(RequestDelegate verb) => context =>
    {
        if (Refusal(context, token) is not { } refusal)
        {
            return verb(context);
        }

        Log.Refused(logger, context.Connection.RemoteIpAddress, refusal.Reason);
        return Answer.TextAsync(context, $"refused: {refusal.Reason}\n", refusal.Status);
    };

    private static (int Status, string Reason)? Refusal(HttpContext context, string? token)
    {
        // A page of another origin must not be able to steer the proxy through its visitor's browser, with or without a token.
        if (context.Request.Headers.Origin is [{ } origin]
            && !(Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority == context.Request.Host.Value))
        {
            return (StatusCodes.Status403Forbidden, "the request comes from another origin");
        }

        if (token is null || Matches(context.Request.Headers.Authorization.ToString(), token))
        {
            return null;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer";
        return (StatusCodes.Status401Unauthorized, "Admin.Token is asked for as a bearer token");
    }

    private static bool Matches(string given, string token) =>
        given.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given[Scheme.Length..].Trim()), Encoding.UTF8.GetBytes(token));

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Operator at {Address} was refused: {Reason}.")]
        public static partial void Refused(ILogger logger, System.Net.IPAddress? address, string reason);
    }
}
