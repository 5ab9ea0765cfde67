using ResilientProxy.Admission;
using ResilientProxy.Configuration;

namespace ResilientProxy.Hosting;

/// <summary>What a proxy is started with, besides its config.</summary>
internal sealed record ProxyAppOptions
{
    /// <summary>The config file.</summary>
    public required string ConfigPath { get; init; }

    /// <summary>Environment variables that override it.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary><c>--Section:Key=value</c> arguments that override it.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where the access log goes when its path is "stdout".</summary>
    public Stream StandardOutput { get; init; } = Stream.Null;

    /// <summary>What the overload guard measures by; null for the real memory and thread pool.</summary>
    public OverloadProbes? OverloadProbes { get; init; }

    /// <summary>Adds where the application's log goes.</summary>
    public Action<ILoggingBuilder> Logging { get; init; } = static _ => { };

    /// <summary>Reads the config file as it is now.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public byte[] ReadConfig() => File.ReadAllBytes(ConfigPath);

    /// <summary>Checks what was read, with the overrides over it.</summary>
    /// <param name="utf8">The file's bytes.</param>
    public ConfigResult CheckConfig(ReadOnlySpan<byte> utf8) => ConfigFile.Parse(utf8, Environment, Overrides);
}
