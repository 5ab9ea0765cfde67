using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.Benchmarks.Scenarios;

/// <summary>Three real upstreams whose behaviour can be changed while a load runs, and what reached each.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private readonly Member[] _members;

    private Fleet(Member[] members) => _members = members;

    /// <summary>The members.</summary>
    public IReadOnlyList<Member> Members => _members;

    /// <summary>Their addresses.</summary>
    public IEnumerable<string> Urls => _members.Select(member => member.Url);

    /// <summary>Requests that reached any of them.</summary>
    public int Received => _members.Sum(member => member.Received);

    /// <summary>The most often one request, by its X-Id, reached an application.</summary>
    public int MostDeliveriesOfOne => _members.SelectMany(member => member.Ids).GroupBy(id => id).Select(group => group.Count()).DefaultIfEmpty().Max();

    /// <summary>Starts upstreams that answer well, in a few milliseconds.</summary>
    /// <param name="count">How many.</param>
    public static async Task<Fleet> StartAsync(int count = 3)
    {
        var members = new Member[count];
        for (var i = 0; i < count; i++)
        {
            members[i] = await Member.StartAsync();
        }

        return new(members);
    }

    /// <summary>An answer after about ten milliseconds.</summary>
    public static async Task WellAsync(HttpContext context)
    {
        await Task.Delay(Random.Shared.Next(5, 15), context.RequestAborted);
        await context.Response.WriteAsync("well", context.RequestAborted);
    }

    /// <summary>A refusal.</summary>
    public static Task UnavailableAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
    }

    /// <summary>A failure of the application.</summary>
    public static Task ErrorAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        return Task.CompletedTask;
    }

    /// <summary>No answer at all.</summary>
    public static Task HangAsync(HttpContext context) => Task.Delay(Timeout.Infinite, context.RequestAborted);

    /// <summary>An answer twenty times slower than a good one.</summary>
    public static async Task SlowAsync(HttpContext context)
    {
        await Task.Delay(Random.Shared.Next(150, 250), context.RequestAborted);
        await context.Response.WriteAsync("slow", context.RequestAborted);
    }

    /// <summary>A reset of every second connection, else a good answer.</summary>
    public static Task ResetHalfAsync(HttpContext context)
    {
        if (Random.Shared.Next(2) == 0)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        return WellAsync(context);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.DisposeAsync();
        }
    }

    /// <summary>One of them.</summary>
    internal sealed class Member : IAsyncDisposable
    {
        private readonly Upstream _upstream;

        private Member(Upstream upstream) => _upstream = upstream;

        /// <summary>Its address.</summary>
        public string Url => _upstream.Url;

        /// <summary>What it does.</summary>
        public RequestDelegate Behaviour { get; set; } = WellAsync;

        /// <summary>Requests that reached it.</summary>
        public int Received => _upstream.Requests.Count;

        /// <summary>The X-Ids of requests that reached it.</summary>
        public ConcurrentQueue<string> Ids { get; } = new();

        public static async Task<Member> StartAsync()
        {
            Member? member = null;
            member = new(await Upstream.StartAsync(context =>
            {
                if (context.Request.Headers["X-Id"] is [{ } id])
                {
                    member!.Ids.Enqueue(id);
                }

                return member!.Behaviour(context);
            }));
            return member;
        }

        public ValueTask DisposeAsync() => _upstream.DisposeAsync();
    }
}
