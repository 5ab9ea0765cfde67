namespace ResilientProxy.CircuitBreaking;

/// <summary>Tells of transitions, each once and in their order, without a lock held while it tells.</summary>
internal sealed class TransitionQueue(Action<CircuitTransition> changed)
{
    private readonly Lock _lock = new();
    private readonly Queue<CircuitTransition> _transitions = new();
    private volatile bool _untold;
    private bool _telling;

    /// <summary>One more to tell of. Callers keep the order: they add under their own lock.</summary>
    /// <param name="transition">What happened.</param>
    public void Add(CircuitTransition transition)
    {
        lock (_lock)
        {
            _transitions.Enqueue(transition);
            _untold = true;
        }
    }

    /// <summary>Tells of what was added. One thread tells at a time, and goes on with what others add meanwhile.</summary>
    public void Tell()
    {
        while (_untold)
        {
            CircuitTransition? transition;
            lock (_lock)
            {
                if (_telling || !_transitions.TryDequeue(out transition))
                {
                    return;
                }

                _telling = true;
            }

            try
            {
                changed(transition);
            }
            finally
            {
                lock (_lock)
                {
                    _telling = false;
                    _untold = _transitions.Count > 0;
                }
            }
        }
    }
}
