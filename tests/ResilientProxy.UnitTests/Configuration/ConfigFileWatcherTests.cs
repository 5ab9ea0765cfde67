using ResilientProxy.Configuration;
using ResilientProxy.TestSupport;

namespace ResilientProxy.UnitTests.Configuration;

public sealed class ConfigFileWatcherTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-watch-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Where_nothing_notifies_a_look_every_few_seconds_finds_the_change()
    {
        var time = new ManualTime();
        var changes = 0;
        var folder = Path.Combine(_folder.FullName, "later"); // a folder that is not there yet cannot notify
        using var watcher = new ConfigFileWatcher(Path.Combine(folder, "proxy.json"), time, () => changes++);

        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(0, changes);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "proxy.json"), "{}");
        time.Advance(ConfigFileWatcher.PollInterval + ConfigFileWatcher.QuietTime);
        Assert.Equal(1, changes);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(1, changes);
        File.Delete(Path.Combine(folder, "proxy.json"));
        time.Advance(ConfigFileWatcher.PollInterval + ConfigFileWatcher.QuietTime);
        Assert.Equal(2, changes);
    }
}
