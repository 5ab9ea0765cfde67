using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using ResilientProxy.Telemetry;

namespace ResilientProxy.UnitTests.Telemetry;

// Listening is process-wide.
[Collection("process-wide meters")]
public sealed class RequestSpanTests
{
    [Fact]
    public void Without_a_listener_there_is_no_span_and_nothing_is_allocated()
    {
        var request = new DefaultHttpContext().Request;
        Run(request);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 100; i++)
        {
            Run(request);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        static void Run(HttpRequest request)
        {
            var span = RequestSpan.Start(request);
            Assert.Null(span.Activity);
            span.BackedOff("503", TimeSpan.FromMilliseconds(25));
            span.CircuitOpen(destination: null);
            var attempt = span.StartAttempt("GET", "http://a/", "c", "a", resendCount: 0);
            Assert.Null(attempt.TraceParent);
            attempt.End("success", isFailure: false, target: null, status: 200);
            span.End(request, "r", "c", 200, RequestOutcome.Success, reason: null);
        }
    }

    [Fact]
    public void What_happens_to_a_request_is_an_event_of_its_span()
    {
        using var listener = Listen(ActivitySamplingResult.AllDataAndRecorded);
        var span = RequestSpan.Start(new DefaultHttpContext().Request);

        span.Queued(MetricScope.Route("orders"), TimeSpan.FromMilliseconds(12), admitted: true);
        span.BackedOff("503", TimeSpan.FromMilliseconds(25));
        span.Hedged("b", TimeSpan.FromMilliseconds(80));
        span.CircuitOpen("a");
        span.CircuitOpen(destination: null);
        span.CircuitChanged("a", "open");
        span.RetryStopped("budget");
        span.FellBack("timeout");

        Assert.Equal(
            [
                "resilient_proxy.queued scope=route:orders waited_ms=12 admitted=True",
                "resilient_proxy.backoff reason=503 delay_ms=25",
                "resilient_proxy.hedge destination=b delay_ms=80",
                "resilient_proxy.circuit_open destination=a",
                "resilient_proxy.circuit_open destination=*",
                "resilient_proxy.circuit_changed destination=a to=open",
                "resilient_proxy.retry_stopped reason=budget",
                "resilient_proxy.fallback reason=timeout",
            ],
            span.Activity!.Events.Select(@event => $"{@event.Name} {string.Join(' ', @event.Tags.Select(tag => $"{tag.Key}={tag.Value}"))}"));
        span.Activity.Stop();
    }

    [Fact]
    public void A_span_that_only_carries_the_trace_on_gathers_nothing()
    {
        using var listener = Listen(ActivitySamplingResult.PropagationData);
        var request = new DefaultHttpContext().Request;
        var span = RequestSpan.Start(request);

        span.BackedOff("503", TimeSpan.Zero);
        span.End(request, "r", "c", 200, RequestOutcome.Success, reason: null);

        Assert.Empty(span.Activity!.Events);
        Assert.Empty(span.Activity.TagObjects);
        Assert.True(span.Activity.IsStopped);
    }

    [Fact]
    public void The_span_of_an_attempt_never_becomes_the_current_one_and_ends_once()
    {
        using var listener = Listen(ActivitySamplingResult.AllDataAndRecorded);
        var span = RequestSpan.Start(new DefaultHttpContext().Request);
        var first = span.StartAttempt("GET", "http://a/", "c", "a", resendCount: 0);
        var second = span.StartAttempt("GET", "http://b/", "c", "b", resendCount: 1);

        first.End("abandoned", isFailure: false, target: null, status: null);
        Assert.Same(span.Activity, Activity.Current);
        second.End("success", isFailure: false, target: null, status: 200);
        second.End("abandoned", isFailure: true, target: null, status: null);

        Assert.Same(span.Activity, Activity.Current);
        Assert.NotEqual(first.TraceParent, second.TraceParent);
        span.Activity!.Stop();
    }

    private static ActivityListener Listen(ActivitySamplingResult result)
    {
        var listener = new ActivityListener { ShouldListenTo = static source => source.Name == ProxyActivity.SourceName, Sample = (ref _) => result };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
