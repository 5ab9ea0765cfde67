using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class EventsTests
{
    [Fact]
    public async Task The_state_comes_again_and_again_and_shows_what_changed()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        using var events = await OpenAsync(proxy);
        Assert.Equal("text/event-stream", events.Response.Content.Headers.ContentType?.MediaType);
        var before = await events.NextAsync();

        await proxy.Client.GetStringAsync("/");

        Assert.Equal(0, Successes(before));
        while (Successes(await events.NextAsync()) == 0)
        {
            // A request is counted once its response has ended, which its client may see a moment earlier.
        }

        Assert.Equal(1, Successes(await events.NextAsync()));

        static long Successes(JsonElement state) => state.GetProperty("routes").GetProperty("route").GetProperty("requests").GetProperty("success").GetInt64();
    }

    [Fact]
    public async Task A_listener_too_many_is_turned_away_and_one_that_leaves_makes_room()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));
        var listeners = new List<Events>();
        for (var i = 0; i < 32; i++)
        {
            listeners.Add(await OpenAsync(proxy));
        }

        using (var refused = await proxy.Admin.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        listeners[0].Dispose();
        await Eventually.TrueAsync(
            async () =>
            {
                using var response = await proxy.Admin.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead);
                return response.IsSuccessStatusCode;
            },
            "a free place");
        listeners.ForEach(listener => listener.Dispose());
    }

    [Fact]
    public async Task The_stream_says_that_the_proxy_drains_and_does_not_hold_its_end_up()
    {
        var release = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(_ => release.Task);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        using var events = await OpenAsync(proxy);
        var request = proxy.Client.GetAsync("/");
        await Eventually.TrueAsync(() => !upstream.Requests.IsEmpty, "the request in flight");

        var draining = proxy.DrainAsync();
        JsonElement state;
        do
        {
            state = await events.NextAsync();
        }
        while (!state.GetProperty("draining").GetBoolean());

        release.SetResult();
        await request;
        await draining;
        Assert.True(await events.EndsAsync());
    }

    [Fact]
    public async Task A_drain_that_is_over_at_once_is_the_streams_last_word()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));
        using var events = await OpenAsync(proxy);
        var state = await events.NextAsync();
        Assert.False(state.GetProperty("draining").GetBoolean());

        await proxy.DrainAsync();

        while (!state.GetProperty("draining").GetBoolean())
        {
            state = await events.NextAsync(); // throws where the stream ends without the word
        }
    }

    private static async Task<Events> OpenAsync(RunningProxy proxy)
    {
        var response = await proxy.Admin.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    private sealed record Events(HttpResponseMessage Response, StreamReader Reader) : IDisposable
    {
        public async Task<JsonElement> NextAsync()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (await Reader.ReadLineAsync(limit.Token) is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    return JsonDocument.Parse(line["data: ".Length..]).RootElement;
                }
            }

            throw new EndOfStreamException("The stream ended.");
        }

        public async Task<bool> EndsAsync()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (await Reader.ReadLineAsync(limit.Token) is not null)
            {
            }

            return true;
        }

        public void Dispose()
        {
            Reader.Dispose();
            Response.Dispose();
        }
    }
}
