using System.Runtime.InteropServices;
using ResilientProxy.Hosting;

namespace ResilientProxy.Cli;

/// <summary>The process's signals: SIGTERM and SIGINT drain, a second one ends at once, SIGHUP reloads.</summary>
internal sealed class Signals : IDisposable
{
    // Linux's number; it is none of the portable ones.
    private const PosixSignal FileSizeLimit = (PosixSignal)25;

    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Listens from now on.</summary>
    /// <param name="app">What they act on.</param>
    public Signals(ProxyApp app)
    {
        var asked = 0;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, End),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, End),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
            {
                signal.Cancel = true;
                _ = app.Reloader.ReloadAsync(); // reports by log and metric, and never throws
            }),
        ];
        if (OperatingSystem.IsLinux())
        {
            // A log that reaches the limit of a file's size (ulimit -f) would end the process: the write that fails says it as well.
            _registrations = [.. _registrations, PosixSignalRegistration.Create(FileSizeLimit, static signal => signal.Cancel = true)];
        }

        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            if (Interlocked.Increment(ref asked) > 1)
            {
                Environment.Exit(ExitCode.Interrupted);
            }

            app.Drain.Begin();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }
}
