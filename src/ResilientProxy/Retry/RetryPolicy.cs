using System.Collections.Frozen;

namespace ResilientProxy.Retry;

/// <summary>A route's retries, prepared for the request path; its budget outlives the requests.</summary>
internal sealed class RetryPolicy
{
    private readonly FrozenSet<string> _methods;
    private readonly FrozenSet<int> _statuses;
    private readonly FrozenSet<int> _grpcStatuses;
    private readonly Func<double> _random;

    /// <summary>Prepares a policy.</summary>
    /// <param name="options">The route's options.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Random numbers from 0 to 1 for the jitter; a seeded source makes waits repeatable.</param>
    public RetryPolicy(RetryOptions options, TimeProvider time, Func<double>? random = null)
    {
        Options = options;
        Budget = new RetryBudget(options.Budget, time);
        _methods = options.Methods.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _statuses = options.On.Select(condition => condition.Status).Where(status => status > 0).ToFrozenSet();
        _grpcStatuses = options.On.Select(condition => condition.GrpcStatus).Where(status => status > 0).ToFrozenSet();
        OnConnectFailure = options.On.Contains(RetryCondition.ConnectFailure);
        OnReset = options.On.Contains(RetryCondition.Reset);
        OnAttemptTimeout = options.On.Contains(RetryCondition.AttemptTimeout);
        _random = random ?? Random.Shared.NextDouble;
    }

    /// <summary>The route's options.</summary>
    public RetryOptions Options { get; }

    /// <summary>What bounds the route's retries as a whole.</summary>
    public RetryBudget Budget { get; }

    /// <summary>Whether a connection that did not come about is retried.</summary>
    public bool OnConnectFailure { get; }

    /// <summary>Whether a connection that died is retried.</summary>
    public bool OnReset { get; }

    /// <summary>Whether an attempt that timed out is retried.</summary>
    public bool OnAttemptTimeout { get; }

    /// <summary>Whether a request of this method may reach an upstream twice.</summary>
    /// <param name="method">The method.</param>
    public bool MayRepeat(string method) => _methods.Contains(method);

    /// <summary>Whether a response is retried.</summary>
    /// <param name="status">Its HTTP status.</param>
    public bool IsCondition(int status) => _statuses.Contains(status);

    /// <summary>Whether a gRPC answer of headers only is retried.</summary>
    /// <param name="status">Its <c>grpc-status</c>.</param>
    public bool IsGrpcCondition(int status) => _grpcStatuses.Contains(status);

    /// <summary>Whether any gRPC status is retried: most routes need not look.</summary>
    public bool LooksAtGrpc => _grpcStatuses.Count > 0;

    /// <summary>The longest wait before a retry: without jitter, and with no word from the destination.</summary>
    /// <param name="options">The route's options.</param>
    /// <param name="retry">Which one, from 1.</param>
    public static TimeSpan LongestBackoff(RetryOptions options, int retry)
    {
        var factor = options.BackoffType switch
        {
            BackoffType.Constant => 1,
            BackoffType.Linear => retry,
            _ => Math.Pow(2, retry - 1),
        };
        var full = options.Delay * factor;
        return full < options.MaxDelay ? full : options.MaxDelay;
    }

    /// <summary>The wait before a retry.</summary>
    /// <param name="retry">Which one, from 1.</param>
    /// <param name="elsewhere">Whether it goes to a destination that has not failed yet.</param>
    /// <param name="retryAfter">What the destination asked for, where the retry goes back to it.</param>
    public TimeSpan Backoff(int retry, bool elsewhere, TimeSpan retryAfter)
    {
        if (elsewhere && retry == 1)
        {
            return TimeSpan.Zero;
        }

        var wait = LongestBackoff(Options, retry);
        if (Options.UseJitter)
        {
            wait *= _random(); // full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        }

        return !elsewhere && retryAfter > wait ? retryAfter : wait;
    }
}
