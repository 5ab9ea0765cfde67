using ResilientProxy.Benchmarks.Comparison;
using ResilientProxy.Benchmarks.Parts;
using ResilientProxy.Benchmarks.Scenarios;
using ResilientProxy.Benchmarks.Soak;

// Figures that a test cannot hold to the letter on a busy machine: run by hand or by CI, one table each.
return args switch
{
    ["scenarios", .. var names] => await ScenarioRunner.RunAsync(names),
    ["compare", .. var options] => await ComparisonRunner.RunAsync(options),
    ["soak", .. var options] => await SoakRunner.RunAsync(options),
    ["parts", .. var options] => PartsRunner.Run(options),
    ["bare-yarp", var url, var upstream] => await BareYarp.RunAsync(url, upstream, http2: false),
    ["bare-yarp", var url, var upstream, "http2"] => await BareYarp.RunAsync(url, upstream, http2: true),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/ResilientProxy.Benchmarks -- scenarios [NAME …]");
    Console.Error.WriteLine("scenarios: " + string.Join(", ", ScenarioRunner.Names));
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/ResilientProxy.Benchmarks -- compare " + ComparisonOptions.Usage);
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/ResilientProxy.Benchmarks -- soak " + SoakOptions.Usage);
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/ResilientProxy.Benchmarks -- parts " + PartsRunner.Usage);
    return 2;
}
