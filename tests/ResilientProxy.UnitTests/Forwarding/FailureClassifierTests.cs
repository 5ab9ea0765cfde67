using ResilientProxy.Errors;
using ResilientProxy.Forwarding;
using ResilientProxy.Telemetry;

namespace ResilientProxy.UnitTests.Forwarding;

public class FailureClassifierTests
{
    [Theory]
    [InlineData(nameof(AttemptEnd.AttemptTimeout), "attempt_timeout", "Attempt")]
    [InlineData(nameof(AttemptEnd.TotalTimeout), "total_timeout", "Total")]
    [InlineData(nameof(AttemptEnd.IdleTimeout), "idle_timeout", "Idle")]
    public void A_timer_that_ended_an_attempt_is_why_it_failed_however_far_the_response_had_come(string end, string reason, string kind)
    {
        var failure = FailureClassifier.OfTimer(Enum.Parse<AttemptEnd>(end), new OperationCanceledException());

        Assert.Equal(reason, failure!.Error.Reason);
        Assert.Equal(Enum.Parse<TimeoutKind>(kind), AttemptSender.TimeoutKindOf(failure.Error));
        Assert.False(failure.NotReceived);
    }

    [Theory]
    [InlineData(nameof(AttemptEnd.None))]
    [InlineData(nameof(AttemptEnd.ClientLeft))]
    [InlineData(nameof(AttemptEnd.Abandoned))]
    [InlineData(nameof(AttemptEnd.Draining))]
    public void Nothing_else_that_ends_an_attempt_is_a_timer(string end) =>
        Assert.Null(FailureClassifier.OfTimer(Enum.Parse<AttemptEnd>(end), new OperationCanceledException()));

    [Fact]
    public void A_connection_that_died_is_none_of_our_timers() =>
        Assert.Same(ProxyError.ConnectionTerminated, FailureClassifier.Classify(new IOException("gone")).Error);
}
