using System.Diagnostics;

namespace ResilientProxy.Telemetry;

/// <summary>Where the proxy's spans come from; whoever listens to the source's name gets them.</summary>
internal static class ProxyActivity
{
    /// <summary>The name to listen to.</summary>
    public const string SourceName = "ResilientProxy";

    /// <summary>The source: one per process, because listeners are.</summary>
    public static readonly ActivitySource Source = new(SourceName, typeof(ProxyActivity).Assembly.GetName().Version?.ToString(3));

    /// <summary>The methods of the semantic conventions; another one is <c>_OTHER</c>, so that a client cannot invent names of spans.</summary>
    public static string Method(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsPost(method) || HttpMethods.IsPut(method)
        || HttpMethods.IsDelete(method) || HttpMethods.IsOptions(method) || HttpMethods.IsPatch(method) || HttpMethods.IsConnect(method)
        || HttpMethods.IsTrace(method)
            ? HttpMethods.GetCanonicalizedValue(method)
            : OtherMethod;

    /// <summary>Stands for a method that is not known.</summary>
    public const string OtherMethod = "_OTHER";

    /// <summary>Names the method, and the text it came as where that is another.</summary>
    public static void SetMethod(Activity activity, string method)
    {
        var known = Method(method);
        activity.SetTag("http.request.method", known);
        if (known != method)
        {
            activity.SetTag("http.request.method_original", method.Length <= AccessLog.MaxMethodLength ? method : method[..AccessLog.MaxMethodLength]);
        }
    }
}
