using ResilientProxy.Values;

namespace ResilientProxy.Configuration;

/// <summary>Says when a config file may have changed: by notification where the file system gives one, by looking every few seconds everywhere.</summary>
/// <remarks>
/// Editors replace the file, Kubernetes swaps a symbolic link two levels up, network file systems notify nobody: so the folder is watched rather
/// than the file, and the look follows links to the end. A burst of changes is one, once it has been quiet for a moment: half a file is not read.
/// </remarks>
internal sealed class ConfigFileWatcher : IDisposable
{
    /// <summary>How often the file is looked at where nothing notifies.</summary>
    public static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);

    /// <summary>How long it must have been quiet after a change.</summary>
    public static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(100);

    private readonly string _path;
    private readonly Action _changed;
    private readonly ITimer _quiet;
    private readonly ITimer _poll;
    private readonly FileSystemWatcher? _notifications;
    private FileStamp _seen;

    /// <summary>Begins to watch.</summary>
    /// <param name="path">The file; it may be missing at times.</param>
    /// <param name="time">The clock.</param>
    /// <param name="changed">Called when the file may have changed; quick and without exceptions.</param>
    public ConfigFileWatcher(string path, TimeProvider time, Action changed)
    {
        _path = Path.GetFullPath(path);
        _changed = changed;
        _seen = FileStamp.Of(_path);
        _quiet = time.CreateTimer(_ => _changed(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _poll = time.CreateTimer(_ => Poll(), null, PollInterval, PollInterval);
        _notifications = Notify();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _notifications?.Dispose();
        _poll.Dispose();
        _quiet.Dispose();
    }

    // A file system that cannot notify (or a host that is out of watches) leaves the poll, which needs nobody.
    private FileSystemWatcher? Notify()
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(Path.GetDirectoryName(_path)!);
            watcher.Changed += (_, _) => Poll();
            watcher.Created += (_, _) => Poll();
            watcher.Renamed += (_, _) => Poll();
            watcher.Deleted += (_, _) => Poll();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception error) when (error is IOException or ArgumentException or UnauthorizedAccessException)
        {
            watcher?.Dispose();
            return null;
        }
    }

    private void Poll()
    {
        var now = FileStamp.Of(_path);
        lock (_quiet)
        {
            if (now == _seen)
            {
                return;
            }

            _seen = now;
        }

        _quiet.Change(QuietTime, Timeout.InfiniteTimeSpan);
    }
}
