using System.Collections.Frozen;
using System.Runtime.CompilerServices;

namespace ResilientProxy.Retry;

/// <summary>A route's retries, prepared for the request path; its budget outlives the requests.</summary>
internal sealed class RetryPolicy
{
    // Thousands of routes may share one policy's options: what follows from them alone is made once.
    private static readonly ConditionalWeakTable<RetryOptions, Conditions> Known = [];

    private static readonly Func<double> Jitter = Random.Shared.NextDouble;

    private readonly Conditions _conditions;
    private readonly Func<double> _random;

    /// <summary>Prepares a policy.</summary>
    /// <param name="options">The route's options.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Random numbers from 0 to 1 for the jitter; a seeded source makes waits repeatable.</param>
    public RetryPolicy(RetryOptions options, TimeProvider time, Func<double>? random = null)
    {
        Options = options;
        Budget = new RetryBudget(options.Budget, time);
        _conditions = Known.GetValue(options, static options => new(options));
        _random = random ?? Jitter;
    }

    /// <summary>The route's options.</summary>
    public RetryOptions Options { get; }

    /// <summary>What bounds the route's retries as a whole.</summary>
    public RetryBudget Budget { get; }

    /// <summary>Whether a connection that did not come about is retried.</summary>
    public bool OnConnectFailure => _conditions.OnConnectFailure;

    /// <summary>Whether a connection that died is retried.</summary>
    public bool OnReset => _conditions.OnReset;

    /// <summary>Whether an attempt that timed out is retried.</summary>
    public bool OnAttemptTimeout => _conditions.OnAttemptTimeout;

    /// <summary>Whether a request of this method may reach an upstream twice.</summary>
    /// <param name="method">The method.</param>
    public bool MayRepeat(string method) => _conditions.Methods.Contains(method);

    /// <summary>Whether a response is retried.</summary>
    /// <param name="status">Its HTTP status.</param>
    public bool IsCondition(int status) => _conditions.Statuses.Contains(status);

    /// <summary>Whether a gRPC answer of headers only is retried.</summary>
    /// <param name="status">Its <c>grpc-status</c>.</param>
    public bool IsGrpcCondition(int status) => _conditions.GrpcStatuses.Contains(status);

    /// <summary>Whether any gRPC status is retried: most routes need not look.</summary>
    public bool LooksAtGrpc => _conditions.GrpcStatuses.Count > 0;

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

    private sealed class Conditions(RetryOptions options)
    {
        public readonly FrozenSet<string> Methods = options.Methods.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        public readonly FrozenSet<int> Statuses = options.On.Select(condition => condition.Status).Where(status => status > 0).ToFrozenSet();
        public readonly FrozenSet<int> GrpcStatuses = options.On.Select(condition => condition.GrpcStatus).Where(status => status > 0).ToFrozenSet();
        public readonly bool OnConnectFailure = options.On.Contains(RetryCondition.ConnectFailure);
        public readonly bool OnReset = options.On.Contains(RetryCondition.Reset);
        public readonly bool OnAttemptTimeout = options.On.Contains(RetryCondition.AttemptTimeout);
    }
}
