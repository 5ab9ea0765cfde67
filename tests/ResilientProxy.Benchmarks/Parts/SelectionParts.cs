using BenchmarkDotNet.Attributes;
using ResilientProxy.LoadBalancing;

namespace ResilientProxy.Benchmarks.Parts;

/// <summary>The choice among three destinations.</summary>
public class SelectionParts
{
    private readonly DestinationLoad[] _loads = [new(TimeProvider.System), new(TimeProvider.System), new(TimeProvider.System)];
    private DestinationSelector _selector = null!;

    /// <summary>The policy.</summary>
    [Params("PowerOfTwoChoices", "RoundRobin", "LeastRequests", "Random", "FirstAlphabetical", "PeakEwma")]
    public string Policy { get; set; } = "";

    /// <summary>Makes the selector, and loads that differ.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _selector = new DestinationSelector(Policy, TimeProvider.System);
        for (var i = 0; i < _loads.Length; i++)
        {
            _loads[i].TryBegin(int.MaxValue);
            _loads[i].Record(TimeSpan.FromMilliseconds(i + 1), TimeProvider.System.GetTimestamp());
        }
    }

    /// <summary>One choice.</summary>
    [Benchmark(Description = "selection among 3 destinations")]
    public int Pick() => _selector.Pick(_loads);
}
