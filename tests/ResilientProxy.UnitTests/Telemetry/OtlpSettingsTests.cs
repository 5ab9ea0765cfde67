using ResilientProxy.Telemetry;

namespace ResilientProxy.UnitTests.Telemetry;

public sealed class OtlpSettingsTests
{
    [Theory]
    [InlineData("")]
    [InlineData("OTEL_SERVICE_NAME=x OTEL_TRACES_SAMPLER=always_on")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=")]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://m")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c OTEL_SDK_DISABLED=TRUE")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c OTEL_TRACES_EXPORTER=none")]
    public void Traces_are_off(string environment) => Assert.Null(OtlpSettings.Of("TRACES", Variables(environment)));

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c", null)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c OTEL_SDK_DISABLED=false OTEL_TRACES_EXPORTER=otlp", null)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t/x OTEL_EXPORTER_OTLP_ENDPOINT=http://c", "http://t/x")]
    public void Traces_are_on(string environment, string? endpoint) =>
        Assert.Equal(endpoint, OtlpSettings.Of("TRACES", Variables(environment))!.Endpoint?.OriginalString);

    [Fact]
    public void A_variable_for_one_signal_wins_over_the_common_one_for_that_signal_only()
    {
        var environment = Variables("OTEL_EXPORTER_OTLP_ENDPOINT=http://c OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_TRACES_HEADERS=a=b");

        var traces = OtlpSettings.Of("TRACES", environment)!.Variables;
        var metrics = OtlpSettings.Of("METRICS", environment)!.Variables;

        Assert.Equal(("http/protobuf", "a=b"), (traces["OTEL_EXPORTER_OTLP_PROTOCOL"], traces["OTEL_EXPORTER_OTLP_HEADERS"]));
        Assert.Equal(("grpc", null), (metrics["OTEL_EXPORTER_OTLP_PROTOCOL"], metrics["OTEL_EXPORTER_OTLP_HEADERS"]));
    }

    [Fact]
    public void An_endpoint_that_is_no_url_is_named()
    {
        var error = Assert.Throws<FormatException>(() => OtlpSettings.Of("METRICS", Variables("OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317")));

        Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT must be a URL", error.Message, StringComparison.Ordinal);
    }

    private static List<KeyValuePair<string, string>> Variables(string environment) =>
        [.. environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(variable => KeyValuePair.Create(variable[..variable.IndexOf('=')], variable[(variable.IndexOf('=') + 1)..]))];
}
