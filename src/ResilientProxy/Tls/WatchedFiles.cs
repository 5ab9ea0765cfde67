using ResilientProxy.Values;

namespace ResilientProxy.Tls;

/// <summary>Something made of files that is made anew when they change; what was good stays until something good replaces it.</summary>
/// <param name="files">The files.</param>
/// <param name="load">Makes it; throws <see cref="InvalidOperationException"/> where the files cannot be used.</param>
internal sealed class WatchedFiles<T>(IReadOnlyList<string> files, Func<T> load)
    where T : class
{
    // Before the load: what changes while it is read is a change.
    private FileStamp[] _seen = Look(files);
    private volatile T _current = load();

    /// <summary>The last good one.</summary>
    public T Current => _current;

    /// <summary>Looks whether the files changed, and takes the new ones over if they can be used. Not to be called twice at the same time.</summary>
    /// <returns>Null where nothing changed; else whether the change was taken over, and why not.</returns>
    public (bool Taken, string? Error)? Refresh()
    {
        var now = Look(files);
        if (now.AsSpan().SequenceEqual(_seen))
        {
            return null;
        }

        _seen = now; // a bad file is told of once; a key that follows its certificate is another change
        try
        {
            _current = load();
            return (true, null);
        }
        catch (InvalidOperationException error)
        {
            return (false, error.Message);
        }
    }

    private static FileStamp[] Look(IReadOnlyList<string> files) => [.. files.Select(FileStamp.Of)];
}
