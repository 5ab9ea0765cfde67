namespace ResilientProxy.Http1;

/// <summary>A request whose response's fields go on as they are: they need not become header objects first.</summary>
/// <remarks>
/// The response then has its fields in <see cref="ResponseContent.Fields"/> and no headers, except where this proxy itself may have to look at them:
/// in errors, and where a field speaks to a gateway.
/// </remarks>
internal sealed class PlainRequest : HttpRequestMessage;
