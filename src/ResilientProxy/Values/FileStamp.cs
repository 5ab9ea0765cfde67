namespace ResilientProxy.Values;

/// <summary>What a file looks like from outside: two stamps differ exactly when the file may hold something else.</summary>
/// <param name="Target">The file at the end of all links, with its folder at the end of all links; empty where there is none.</param>
/// <param name="Written">When it was written.</param>
/// <param name="Length">Its length in bytes; -1 where there is none.</param>
internal readonly record struct FileStamp(string Target, DateTime Written, long Length)
{
    /// <summary>Looks at a file; it may be missing. Follows links to the end, because Kubernetes swaps one two levels up.</summary>
    /// <param name="path">The file.</param>
    public static FileStamp Of(string path)
    {
        try
        {
            var file = new FileInfo(path);
            var target = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;

            // A link in a folder above the file (..data of a ConfigMap) shows in the real path of the folder only.
            var folder = target.Directory?.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? target.DirectoryName;
            return target.Exists ? new($"{folder}|{target.FullName}", target.LastWriteTimeUtc, target.Length) : new("", default, -1);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new(error.GetType().Name, default, -1); // in the middle of a swap, or not allowed: a change once it can be read again
        }
    }
}
