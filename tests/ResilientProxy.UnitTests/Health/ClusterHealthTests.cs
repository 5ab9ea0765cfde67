using ResilientProxy.Health;
using ResilientProxy.Telemetry;

namespace ResilientProxy.UnitTests.Health;

public class ClusterHealthTests
{
    private static readonly HealthCheckOptions Options = new();
    private static readonly ProbeResult Failure = new(ProbeResult.Status, "it answered 500");

    [Fact]
    public void A_new_destination_is_healthy_with_its_first_success()
    {
        var health = Checked();

        Learn(health, Failure, ProbeResult.Well);

        Assert.Equal(HealthState.Healthy, health.State);
    }

    [Fact]
    public void A_healthy_destination_takes_its_threshold_of_failures_in_a_row()
    {
        var health = Checked();
        Learn(health, ProbeResult.Well, Failure, Failure, ProbeResult.Well, Failure, Failure);
        Assert.Equal(HealthState.Healthy, health.State);

        Learn(health, Failure);

        Assert.Equal(HealthState.Unhealthy, health.State);
        Assert.Equal("status: it answered 500", health.Reason);
    }

    [Fact]
    public void An_unhealthy_destination_takes_its_threshold_of_successes_in_a_row()
    {
        var health = Checked();
        Learn(health, Failure, Failure, Failure, ProbeResult.Well, Failure, ProbeResult.Well);
        Assert.Equal(HealthState.Unhealthy, health.State);

        Learn(health, ProbeResult.Well);

        Assert.Equal(HealthState.Healthy, health.State);
        Assert.Null(health.Reason);
    }

    [Fact]
    public void A_destination_that_nobody_checks_is_healthy()
    {
        var health = Checked();
        Learn(health, Failure, Failure, Failure);

        health.SetChecked(false);

        Assert.Equal(HealthState.Healthy, health.State);
        Assert.Null(health.LastCheck);
    }

    [Theory]
    [InlineData("???", 0.5, "yyy")] // a start: somebody has to serve
    [InlineData("h??", 0.5, "ynn")] // the first that is known to be well serves alone, and that is no panic
    [InlineData("hhh", 0.5, "yyy")]
    [InlineData("hhu", 0.5, "yyn")]
    [InlineData("hu", 0.5, "yn")] // a half is not below a half
    [InlineData("huu", 0.5, "yyy")] // panic
    [InlineData("huu", 0, "ynn")]
    [InlineData("uuu", 0.5, "yyy")]
    [InlineData("uuu", 0, "nnn")]
    [InlineData("?u", 0.5, "yn")]
    [InlineData("huu?", 0.9, "yyyn")] // in a panic too a new one waits for its first success
    public void Who_may_get_traffic_follows_from_the_states_of_all(string states, double panicThreshold, string expected)
    {
        var cluster = Cluster(states, panicThreshold);

        cluster.Recompute();

        Assert.Equal(expected, string.Concat(cluster.Plan.Targets.Select(target => target.Health.IsEligible ? 'y' : 'n')));
    }

    [Theory]
    [InlineData("hh", "healthy")]
    [InlineData("h?", "degraded")]
    [InlineData("hu", "degraded")]
    [InlineData("uu", "unhealthy")]
    public void A_cluster_says_how_it_is(string states, string expected) => Assert.Equal(expected, Cluster(states, 0.5).Status);

    [Theory]
    [InlineData("200-299", 200, 299)]
    [InlineData("204", 204, 204)]
    public void A_range_of_statuses_is_read_and_written(string text, int first, int last)
    {
        Assert.True(StatusRange.TryParse(text, null, out var range));
        Assert.Equal(new StatusRange(first, last), range);
        Assert.Equal(text, range.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("99")]
    [InlineData("600")]
    [InlineData("300-200")]
    [InlineData("200-")]
    [InlineData("2xx")]
    public void What_is_no_range_of_statuses_is_refused(string text) => Assert.False(StatusRange.TryParse(text, null, out _));

    [Theory]
    [InlineData("15s", "5s")]
    [InlineData("900ms", "500ms")]
    [InlineData("100ms", "100ms")]
    public void An_unhealthy_destination_is_asked_more_often(string interval, string expected)
    {
        Assert.True(ResilientProxy.Values.Duration.TryParse(interval, out var span));

        Assert.Equal(expected, ResilientProxy.Values.Duration.Format(ProbeSettings.DefaultUnhealthyInterval(span)));
    }

    [Fact]
    public void The_grpc_messages_are_written_and_read_as_protobuf_has_them()
    {
        Assert.Equal([0, 0, 0, 0, 0], GrpcProbe.Request(""));
        Assert.Equal([0, 0, 0, 0, 3, 0x0A, 1, (byte)'x'], GrpcProbe.Request("x"));
        Assert.Equal(5 + 3 + 200, GrpcProbe.Request(new string('x', 200)).Length); // a length of two bytes

        Assert.Equal(1u, GrpcProbe.ServingStatus([0, 0, 0, 0, 2, 0x08, 1]));
        Assert.Equal(2u, GrpcProbe.ServingStatus([0, 0, 0, 0, 2, 0x08, 2]));
        Assert.Equal(1u, GrpcProbe.ServingStatus([0, 0, 0, 0, 5, 0x12, 1, 7, 0x08, 1])); // a field nobody knows before it
        Assert.Equal(0u, GrpcProbe.ServingStatus([0, 0, 0, 0, 0]));
        Assert.Equal(0u, GrpcProbe.ServingStatus([0, 0, 0, 0, 9, 0x08, 1])); // cut off
        Assert.Equal(0u, GrpcProbe.ServingStatus([]));
    }

    private static DestinationHealth Checked()
    {
        var health = new DestinationHealth();
        health.SetChecked(true);
        return health;
    }

    private static void Learn(DestinationHealth health, params ProbeResult[] results)
    {
        foreach (var result in results)
        {
            health.Learn(result, Options, DateTimeOffset.UnixEpoch, 1);
        }
    }

    private static ClusterHealth Cluster(string states, double panicThreshold)
    {
        using var metrics = new ProxyMetrics(TimeProvider.System);
        var targets = states.Select((state, index) =>
        {
            var health = Checked();
            Learn(health, state switch
            {
                'h' => [ProbeResult.Well],
                'u' => [Failure, Failure, Failure],
                _ => [],
            });
            var id = index.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return new HealthTarget(id, health, metrics.ForDestination("c", id), null, static () => { });
        });
        return new ClusterHealth(new HealthPlan("c", panicThreshold, [.. targets]), isPanicking: false);
    }
}
