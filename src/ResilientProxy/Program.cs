return await ResilientProxy.Cli.CommandLine.RunAsync(args);
