using ResilientProxy.Benchmarks.Scenarios;

// Figures that a test cannot hold to the letter on a busy machine: run by hand or by CI, one table each.
return args switch
{
    ["scenarios", .. var names] => await ScenarioRunner.RunAsync(names),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/ResilientProxy.Benchmarks -- scenarios [NAME …]");
    Console.Error.WriteLine("scenarios: " + string.Join(", ", ScenarioRunner.Names));
    return 2;
}
