using ResilientProxy.Telemetry;

namespace ResilientProxy.UnitTests.Telemetry;

public sealed class RollingFileSinkTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("access-log").FullName;

    private string Path => System.IO.Path.Combine(_folder, "logs", "access.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Lines_are_appended_to_what_is_there_and_the_folder_is_made()
    {
        using (var sink = new RollingFileSink(Path))
        {
            sink.Write("one\n"u8);
        }

        using (var sink = new RollingFileSink(Path))
        {
            sink.Write("two\n"u8);
        }

        Assert.Equal("one\ntwo\n", File.ReadAllText(Path));
    }

    [Fact]
    public void Five_files_are_kept_and_the_youngest_is_the_first()
    {
        using var sink = new RollingFileSink(Path, maxBytes: 4);

        foreach (var line in "abcdefg")
        {
            sink.Write([(byte)line, (byte)line, (byte)'\n']);
        }

        Assert.Equal(5, Directory.GetFiles(System.IO.Path.GetDirectoryName(Path)!).Length);
        Assert.Equal(
            ["gg\n", "ff\n", "ee\n", "dd\n", "cc\n"],
            new[] { Path, Path + ".1", Path + ".2", Path + ".3", Path + ".4" }.Select(File.ReadAllText));
    }

    [Fact]
    public void A_file_is_filled_to_its_bound_and_not_beyond()
    {
        using var sink = new RollingFileSink(Path, maxBytes: 8);

        sink.Write("one\n"u8);
        sink.Write("two\n"u8);
        sink.Write("six\n"u8);

        Assert.Equal("one\ntwo\n", File.ReadAllText(Path + ".1"));
        Assert.Equal("six\n", File.ReadAllText(Path));
    }

    [Fact]
    public void A_line_cut_short_by_a_crash_is_ended_before_the_next()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        File.WriteAllText(Path, "one\n{\"cut");
        using var sink = new RollingFileSink(Path);

        sink.Write("two\n"u8);

        Assert.Equal("one\n{\"cut\ntwo\n", File.ReadAllText(Path));
    }

    [Fact]
    public void A_file_truncated_by_somebody_else_is_written_from_its_new_end()
    {
        using var sink = new RollingFileSink(Path);
        sink.Write("one\n"u8);

        using (var truncation = new FileStream(Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            truncation.SetLength(0);
        }

        sink.Write("two\n"u8);

        Assert.Equal("two\n", File.ReadAllText(Path));
    }

    [Fact]
    public void After_an_error_the_file_is_opened_anew()
    {
        var opened = 0;
        using var sink = new RollingFileSink(Path, open: _ => ++opened == 1 ? throw new IOException("No space left on device") : new MemoryStream());

        Assert.Throws<IOException>(() => sink.Write("one\n"u8));
        sink.Write("two\n"u8);
        sink.Write("three\n"u8);

        Assert.Equal(2, opened);
    }
}
