namespace ResilientProxy.Admin;

/// <summary><c>GET /state</c>: the state as JSON.</summary>
internal static class StateEndpoint
{
    /// <summary>Adds the endpoint.</summary>
    /// <param name="app">The admin listener.</param>
    /// <param name="state">The state.</param>
    public static void Map(WebApplication app, StateSource state) => app.MapGet("/state", context =>
    {
        context.Response.Headers.CacheControl = "no-store";
        return Answer.BytesAsync(context, state.ReadIndented(), Answer.Json);
    });
}
