namespace ResilientProxy.Cli;

/// <summary>What the process ends with, contract section 1.</summary>
internal static class ExitCode
{
    /// <summary>All went well; for <c>run</c>, a clean drain.</summary>
    public const int Success = 0;

    /// <summary>The config is invalid.</summary>
    public const int InvalidConfig = 1;

    /// <summary>The command line is wrong, or the file cannot be read.</summary>
    public const int Usage = 2;

    /// <summary>A listener cannot be opened.</summary>
    public const int CannotBind = 3;

    /// <summary>Ended at once by a second signal: 128 + SIGINT, as shells have it.</summary>
    public const int Interrupted = 130;
}
