using System.Globalization;

namespace ResilientProxy.TestSupport.Fuzz;

/// <summary>How much is fuzzed, and from which seed: the same in every run unless the environment says otherwise.</summary>
/// <remarks>
/// <c>FUZZ_SEED</c> is a number, or "random" for another one each time; <c>FUZZ_CASES</c> is the number of cases of all fuzzes together. Every case
/// has a random source of its own, made of the seed and its number: a case that failed fails again alone, whatever ran before it.
/// </remarks>
public static class FuzzPlan
{
    /// <summary>Cases of all fuzzes together where nothing is said.</summary>
    public const int AllCases = 100_000;

    private const int DefaultSeed = 20_261_125;

    /// <summary>The seed of this run.</summary>
    public static int Seed { get; } = Environment.GetEnvironmentVariable("FUZZ_SEED") switch
    {
        null or "" => DefaultSeed,
        "random" => Random.Shared.Next(),
        var text => int.Parse(text, CultureInfo.InvariantCulture),
    };

    /// <summary>How many cases one fuzz runs.</summary>
    /// <param name="share">Its share of <see cref="AllCases"/>.</param>
    public static int Cases(int share) =>
        Environment.GetEnvironmentVariable("FUZZ_CASES") is { Length: > 0 } text
            ? (int)Math.Max(1, long.Parse(text, CultureInfo.InvariantCulture) * share / AllCases)
            : share;

    /// <summary>The random source of one case.</summary>
    /// <param name="number">Which case.</param>
    public static Random Of(int number) => new(unchecked((Seed * 397) ^ (number * 0x61C88647)));

    /// <summary>Runs the cases of one fuzz one after the other.</summary>
    /// <param name="share">Its share of <see cref="AllCases"/>.</param>
    /// <param name="test">One case; throws where it fails.</param>
    public static void Run(int share, Action<Random> test)
    {
        var cases = Cases(share);
        for (var number = 0; number < cases; number++)
        {
            try
            {
                test(Of(number));
            }
            catch (Exception error)
            {
                throw new FuzzFailedException(Says(number, error.Message), error);
            }
        }
    }

    /// <summary>What is said of a case that failed.</summary>
    /// <param name="number">Which case.</param>
    /// <param name="complaint">What is wrong.</param>
    public static string Says(int number, string complaint) => $"case {number} of FUZZ_SEED={Seed}: {complaint}";
}

/// <summary>A fuzz found something.</summary>
/// <param name="message">The case, how to run it again and how to keep it.</param>
/// <param name="cause">What the case threw; null for nothing.</param>
public sealed class FuzzFailedException(string message, Exception? cause = null) : Exception(message, cause);
