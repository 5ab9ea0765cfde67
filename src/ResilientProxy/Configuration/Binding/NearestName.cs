namespace ResilientProxy.Configuration.Binding;

/// <summary>Guesses which known name a misspelt one was meant to be.</summary>
internal static class NearestName
{
    /// <summary>The end of a message about an unknown name: the nearest known one, or else all of them.</summary>
    public static string Hint(string word, IEnumerable<string> known)
    {
        var names = known.ToArray();
        return Of(word, names) is { } nearest ? $"; did you mean \"{nearest}\"?"
            : names.Length == 0 ? "; there is none"
            : $"; known: {string.Join(", ", names)}";
    }

    /// <summary>The nearest of the names, or null where none is near: one slip in a short word, about one in three letters of a long one.</summary>
    public static string? Of(string word, IEnumerable<string> names)
    {
        var best = names.Select(name => (Name: name, Slips: Distance(word.ToUpperInvariant(), name.ToUpperInvariant()))).DefaultIfEmpty().MinBy(pair => pair.Slips);
        return best.Name is not null && best.Slips <= Math.Max(1, (word.Length + 1) / 3) ? best.Name : null;
    }

    // Optimal string alignment: insert, delete, replace, swap two neighbours.
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    d[i, j] = i + j;
                    continue;
                }

                d[i, j] = Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }

        return d[a.Length, b.Length];
    }
}
