namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>The HTTP/1 cases: what any reverse proxy in front of any upstream may be held to.</summary>
internal static class ProtocolCases
{
    /// <summary>All of them; each name once.</summary>
    public static IReadOnlyDictionary<string, ProtocolCase> All { get; } = new[]
    {
        FramingCases.All, HeadCases.All, TargetCases.All, IntermediaryCases.All, AnswerCases.All, ConnectionCases.All,
    }.SelectMany(cases => cases).ToDictionary(test => test.Name);
}
