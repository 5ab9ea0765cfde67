namespace ResilientProxy.Bulkhead
{
    internal enum BulkheadEntry { Entered, Full, QueueTimeout }
    internal sealed class Bulkhead
    {
        private int _n;
        public int InFlight => _n;
        public int Queued => _n - _n;
        public int Limit => _n + 1;
        public bool TryEnter() => _n++ >= 0;
        public ValueTask<BulkheadEntry> EnterAsync(TimeSpan w, CancellationToken t) { _n++; _ = w; _ = t; return new(BulkheadEntry.Entered); }
        public void Leave(TimeSpan e, ResilientProxy.Errors.AttemptVerdict v) { _n--; _ = e; _ = v; }
    }
}
namespace ResilientProxy.Forwarding
{
    internal sealed class HealthShim { public bool IsEligible => _yes; private readonly bool _yes = true; }
}
