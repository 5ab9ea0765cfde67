using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using ResilientProxy.Forwarding;
using ResilientProxy.TestSupport;
using ResilientProxy.TestSupport.Fuzz;
using ResilientProxy.Timeouts;

namespace ResilientProxy.UnitTests.Fuzz;

/// <summary>However a body arrives, and wherever an attempt or the client breaks off: an attempt that ends well has sent exactly the client's bytes, and one that cannot says so.</summary>
public class ReplayFuzzTests
{
    [Fact]
    public async Task An_attempt_sends_exactly_the_clients_bytes_or_fails()
    {
        using var sweep = new TimerSweep(new ManualTime());
        var cases = FuzzPlan.Cases(15_000);
        for (var number = 0; number < cases; number++)
        {
            try
            {
                await CaseAsync(FuzzPlan.Of(number), sweep);
            }
            catch (Exception error)
            {
                throw new FuzzFailedException(FuzzPlan.Says(number, error.Message), error);
            }
        }
    }

    private static async Task CaseAsync(Random random, TimerSweep sweep)
    {
        var sent = new byte[random.Next(random.Next(4) == 0 ? 40_000 : 400)];
        random.NextBytes(sent);
        var limit = random.Next(4) switch { 0 => 0, 1 => sent.Length, 2 => random.Next(sent.Length + 1), _ => 64 * 1024 };
        var memory = new ReplayMemory(() => random.Next(6) == 0 ? 5000 : 1 << 20);
        var client = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var broken = random.Next(5) == 0;
        using var body = RequestBody.Of(ContextOf(client.Reader), limit, memory)!;
        var clientSends = SendAsync(random, client.Writer, sent, broken);
        if (random.Next(2) == 0)
        {
            await clientSends; // all of it is there, or it comes while it is read
        }

        // Attempts one after the other; the last one has an upstream that takes everything.
        var failing = random.Next(4);
        for (var attempt = 0; attempt <= failing; attempt++)
        {
            var takes = attempt == failing ? int.MaxValue : random.Next(sent.Length + 2);
            await using var upstream = new BreakingStream(takes);
            var mayBegin = body.CanReplay;
            var timer = new Attempt(default, null!, sweep, Timeout.InfiniteTimeSpan, SweepTimer.Never, CancellationToken.None);
            var failure = await Record.ExceptionAsync(() => body.CopyToAsync(upstream, timer, CancellationToken.None));
            TimerSweep.Remove(timer);

            Assert.True(sent.AsSpan().StartsWith(upstream.Taken.AsSpan()), "the upstream got other bytes than the client sent");
            Assert.InRange(body.BytesRead, 0, sent.Length);
            Assert.InRange(memory.Used, 0, 1 << 20);
            if (!mayBegin)
            {
                Assert.IsType<InvalidOperationException>(failure);
                Assert.Empty(upstream.Taken);
            }
            else if (failure is null)
            {
                Assert.False(broken, "a body that broke off was sent as a whole one");
                Assert.Equal(sent.Length, upstream.Taken.Length);
                Assert.Equal(body.CanReplay, body.CanReplayWhole);
            }
            else
            {
                Assert.IsType<IOException>(failure);
                Assert.True(broken || upstream.IsBroken, failure.ToString());
                Assert.True(upstream.IsBroken || body.ClientError is not null, "nobody is told that the client's body broke off");
                Assert.True(broken || body.ClientError is null, "the client is blamed for what the upstream did");
            }
        }

        await clientSends;
        body.Dispose();
        Assert.Equal(0, memory.Used);
    }

    private static async Task SendAsync(Random parent, PipeWriter writer, byte[] bytes, bool broken)
    {
        var random = new Random(parent.Next()); // runs beside the reader
        for (var at = 0; at < bytes.Length;)
        {
            var size = random.Next(1, Math.Min(bytes.Length - at, random.Next(2) == 0 ? 100 : 10_000) + 1);
            await writer.WriteAsync(bytes.AsMemory(at, size));
            at += size;
            if (random.Next(3) == 0)
            {
                await Task.Yield();
            }
        }

        await writer.CompleteAsync(broken ? new BadHttpRequestException("Unexpected end of request content.") : null);
    }

    private static DefaultHttpContext ContextOf(PipeReader reader)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpRequestBodyDetectionFeature>(new HasBody());
        context.Features.Set<IRequestBodyPipeFeature>(new BodyPipe(reader));
        return context;
    }

    private sealed class HasBody : IHttpRequestBodyDetectionFeature
    {
        public bool CanHaveBody => true;
    }

    private sealed class BodyPipe(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader => reader;
    }

    // An upstream's connection that breaks once it has taken so many bytes.
    private sealed class BreakingStream(int takes) : MemoryStream
    {
        public bool IsBroken { get; private set; }

        public byte[] Taken => ToArray();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var fits = (int)Math.Min(buffer.Length, takes - Length);
            Write(buffer.Span[..fits]);
            if (fits == buffer.Length)
            {
                return ValueTask.CompletedTask;
            }

            IsBroken = true;
            return ValueTask.FromException(new IOException("The connection was reset."));
        }
    }
}
