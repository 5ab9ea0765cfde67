namespace ResilientProxy.Cli;

/// <summary><c>schema</c>: prints the JSON Schema of the config, the very file that is committed as <c>config/proxy.schema.json</c>.</summary>
internal static class SchemaCommand
{
    private const string Resource = "proxy.schema.json";

    /// <summary>Prints the schema.</summary>
    /// <param name="output">Where to.</param>
    /// <returns>The exit code.</returns>
    public static int Run(TextWriter output)
    {
        using var stream = typeof(SchemaCommand).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        output.Write(reader.ReadToEnd());
        return ExitCode.Success;
    }
}
