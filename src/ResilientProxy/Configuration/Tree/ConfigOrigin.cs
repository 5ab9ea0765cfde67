namespace ResilientProxy.Configuration.Tree;

/// <summary>What a value was read from.</summary>
internal enum OriginKind
{
    /// <summary>The config file.</summary>
    File,

    /// <summary>An environment variable.</summary>
    Environment,

    /// <summary>An argument of the command line.</summary>
    CommandLine,

    /// <summary>A policy that comes with the program.</summary>
    BuiltIn,
}

/// <summary>Where a value came from.</summary>
/// <param name="Kind">What it was read from.</param>
/// <param name="Name">The variable's, the argument's or the built-in policy's name; empty for the file.</param>
/// <param name="Line">The line in the file, from 1; 0 where the value did not come from the file.</param>
internal sealed record ConfigOrigin(OriginKind Kind, string Name, int Line)
{
    /// <summary>The place in words, for people: <c>line 12</c>, <c>environment variable Admin__Url</c>.</summary>
    public override string ToString() => Kind switch
    {
        OriginKind.File => $"line {Line}",
        OriginKind.Environment => $"environment variable {Name}",
        OriginKind.CommandLine => $"argument {Name}",
        _ => $"built-in policy \"{Name}\"",
    };
}
