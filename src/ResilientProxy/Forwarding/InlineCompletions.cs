namespace ResilientProxy.Forwarding;

/// <summary>Whether a request goes on where its bytes arrive, on the thread that polls the sockets, and not on another one that has to be woken for it.</summary>
/// <remarks>
/// The hop from one thread to the other is about a sixth of what a small request costs. The price: whatever takes long on such a thread holds up
/// every connection it polls. So nothing that blocks may run there, and a body that goes on for long gives way now and then (<see cref="Fairness"/>).
/// The runtime reads the variable with its first socket. It is its own name, so that <c>0</c> in the environment turns this off.
/// </remarks>
internal static class InlineCompletions
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Turns it on, unless the environment says otherwise. Before the process opens its first socket.</summary>
    public static void Prefer()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null)
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }
    }

    /// <summary>Whether it is on.</summary>
    public static bool AreOn => Environment.GetEnvironmentVariable(Variable) is "1" or "true";
}

/// <summary>Lets others have their turn on the thread after every 64 KiB of a body.</summary>
internal struct Fairness
{
    private const int Turn = 64 * 1024;

    private static readonly bool IsNeeded = InlineCompletions.AreOn;

    private int _copied;

    /// <summary>Whether it is time to give way (<see cref="Task.Yield"/>) after so many more bytes.</summary>
    /// <param name="bytes">How many.</param>
    public bool IsDue(long bytes)
    {
        _copied = IsNeeded ? (int)Math.Min(_copied + bytes, Turn) : 0;
        if (_copied < Turn)
        {
            return false;
        }

        _copied = 0;
        return true;
    }
}
