using ResilientProxy.Benchmarks.Comparison;
using ResilientProxy.Benchmarks.Scenarios;
using ResilientProxy.Benchmarks.Soak;

// Figures that a test cannot hold to the letter on a busy machine: run by hand or by CI, one table each.
return args switch
{
    ["scenarios", .. var names] => await ScenarioRunner.RunAsync(names),
    ["compare", .. var options] => await ComparisonRunner.RunAsync(options),
    ["soak", .. var options] => await SoakRunner.RunAsync(options),
    ["bare-yarp", var url, var upstream] => await BareYarp.RunAsync(url, upstream),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/ResilientProxy.Benchmarks -- scenarios [NAME …]");
    Console.Error.WriteLine("scenarios: " + string.Join(", ", ScenarioRunner.Names));
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/ResilientProxy.Benchmarks -- compare " + ComparisonOptions.Usage);
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/ResilientProxy.Benchmarks -- soak " + SoakOptions.Usage);
    return 2;
}
