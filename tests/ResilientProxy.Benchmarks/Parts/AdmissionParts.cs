using System.Net;
using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Http;
using ResilientProxy.Bulkhead;
using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;
using ResilientProxy.RateLimiting;
using ResilientProxy.Retry;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Benchmarks.Parts;

/// <summary>What lets a request in, or not.</summary>
public class AdmissionParts : IDisposable
{
    private static readonly TimeProvider Time = TimeProvider.System;

    private readonly TimerSweep _sweep = new(Time);
    private readonly Timer _timer = new();
    private readonly CircuitBreaker _breaker;
    private readonly Bulkhead.Bulkhead _bulkhead;
    private readonly Bulkhead.Bulkhead _adaptive;
    private readonly RetryBudget _budget = new(new RetryBudgetOptions(), Time);
    private readonly RouteRateLimiter _perRoute = Limiter("route");
    private readonly RouteRateLimiter _perClient = Limiter("client-ip");
    private readonly IPAddress _client = IPAddress.Parse("192.0.2.7");
    private readonly HeaderDictionary _headers = [];

    /// <summary>Makes the parts.</summary>
    public AdmissionParts()
    {
        var group = new CircuitGroup();
        _breaker = new(new CircuitBreakerOptions(), group, Time, changed: null);
        group.Add(_breaker);
        _bulkhead = new("route:a", new BulkheadOptions().Settings(), _sweep);
        _adaptive = new("route:b", (new BulkheadOptions { MaxConcurrent = ConcurrencyLimit.Parse("adaptive", null) }).Settings(), _sweep);
    }

    /// <summary>Ends the sweep.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _sweep.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A closed circuit lets an attempt through and learns that it went well.</summary>
    [Benchmark(Description = "circuit breaker: admit and record")]
    public bool Breaker()
    {
        var admitted = _breaker.TryEnter(out var pass);
        _breaker.Record(pass, AttemptVerdict.Success);
        return admitted;
    }

    /// <summary>A place is taken and given back.</summary>
    [Benchmark(Description = "bulkhead: enter and leave")]
    public bool Bulkhead()
    {
        var entered = _bulkhead.TryEnter();
        _bulkhead.Leave();
        return entered;
    }

    /// <summary>The same where the limit learns from it.</summary>
    [Benchmark(Description = "bulkhead, adaptive: enter, leave and learn")]
    public bool AdaptiveBulkhead()
    {
        var entered = _adaptive.TryEnter();
        _adaptive.Leave(TimeSpan.FromMilliseconds(2), AttemptVerdict.Success);
        return entered;
    }

    /// <summary>A request arrives.</summary>
    [Benchmark(Description = "retry budget: a request")]
    public void Budget() => _budget.RequestStarted();

    /// <summary>A token of the route's one bucket.</summary>
    [Benchmark(Description = "rate limiter: token bucket of a route")]
    public bool RateLimiterPerRoute() => _perRoute.Take(_client, _headers).IsAdmitted;

    /// <summary>A token of a client's bucket, which is looked up.</summary>
    [Benchmark(Description = "rate limiter: token bucket of a client")]
    public bool RateLimiterPerClient() => _perClient.Take(_client, _headers).IsAdmitted;

    /// <summary>A timer goes under watch and off it.</summary>
    [Benchmark(Description = "timer sweep: add and remove")]
    public bool TimerSweep()
    {
        _timer.SetDue(_sweep.DueIn(TimeSpan.FromSeconds(30)));
        _sweep.Add(_timer);
        return Timeouts.TimerSweep.Remove(_timer);
    }

    private static RouteRateLimiter Limiter(string by) => RouteRateLimiter.Create(
        new RateLimiterOptions { PermitLimit = 1_000_000, Window = TimeSpan.FromMilliseconds(10), PartitionBy = RateLimiterPartition.Parse(by, null) }, Time);

    private sealed class Timer : SweepTimer
    {
        protected override void OnDue()
        {
        }
    }
}
