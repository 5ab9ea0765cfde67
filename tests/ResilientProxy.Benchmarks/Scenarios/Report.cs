using System.Globalization;

namespace ResilientProxy.Benchmarks.Scenarios;

/// <summary>Figures with the bounds they have to stay within.</summary>
internal sealed class Report(string scenario)
{
    private readonly List<(string What, string Value, string Bound, bool Holds)> _rows = [];

    /// <summary>Whether every figure stays within its bound.</summary>
    public bool Holds => _rows.All(row => row.Holds);

    /// <summary>A figure that must be at least so much.</summary>
    public void AtLeast(string what, double value, double bound, string unit = "") => Add(what, value, unit, ">=", bound, value >= bound);

    /// <summary>A figure that must be at most so much.</summary>
    public void AtMost(string what, double value, double bound, string unit = "") => Add(what, value, unit, "<=", bound, value <= bound);

    /// <summary>A figure without a bound.</summary>
    public void Says(string what, double value, string unit = "") => _rows.Add((what, Format(value) + unit, "", true));

    /// <summary>Prints the figures.</summary>
    public void Print()
    {
        Console.WriteLine($"{(Holds ? "holds" : "FAILS")}  {scenario}");
        foreach (var (what, value, bound, holds) in _rows)
        {
            Console.WriteLine($"       {(holds ? " " : "!")} {what,-62} {value,12} {bound}");
        }
    }

    private void Add(string what, double value, string unit, string sign, double bound, bool holds) =>
        _rows.Add((what, Format(value) + unit, $"{sign} {Format(bound)}{unit}", holds));

    private static string Format(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
