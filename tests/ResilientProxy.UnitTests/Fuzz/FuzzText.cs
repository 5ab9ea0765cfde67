namespace ResilientProxy.UnitTests.Fuzz;

/// <summary>Texts that look like the values a parser reads, and nearly like them.</summary>
internal static class FuzzText
{
    private static readonly string[] Pieces =
    [
        "0", "1", "5", "9", "00", "12", "99", "100", "204", "299", "500", "599", "1000000", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
        "79228162514264337593543950335", "0.1", "1.5", ".5", "5.", "0.0000001", "922337203685.4775807", "1e3", "ms", "s", "m", "h", "d", "S", "H", "M", "u", "n", "B", "KiB", "MiB", "GiB", "KB",
        ":", "::", ".", ",", "-", "+", "/", "%", " ", "\t", "\0", "\n", "\u0660", "\uff11", "\ud800", "p", "p50", "p95", "P99", "off", "OFF", "adaptive", "Infinity", "NaN", "route", "client-ip",
        "header:", "X-Api-Key", "grpc:", "unavailable", "grpc:unavailable", "connect-failure", "reset", "5xx", "timeout", "10.0.0.1", "10.0.0.0/8", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "[::1]:80",
        "Mon, 01 Jan 2029 00:00:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "\u00e4", "x", "_",
    ];

    private static readonly string[] Whole =
    [
        "250ms", "2s", "1.5m", "1h", "1d", "00:00:02", "1.02:03:04.5678901", "12:30", "65536", "64KiB", "1MiB", "1GiB", "0.9", "p95", "adaptive", "200-299", "grpc:deadline-exceeded",
        "header:X-Api-Key", "10.0.0.0/8", "2001:db8::/32", "120", "Tue, 24 Nov 2026 12:00:00 GMT", "99999999H", "5S", "1000m", "10.1.2.3, 10.4.5.6:80, [::1]:9",
    ];

    /// <summary>One text.</summary>
    /// <param name="random">The case's random source.</param>
    public static string Next(Random random)
    {
        var text = random.Next(3) switch
        {
            0 => Whole[random.Next(Whole.Length)],
            1 => string.Concat(Enumerable.Range(0, random.Next(5)).Select(_ => Pieces[random.Next(Pieces.Length)])),
            _ => string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => (char)(random.Next(20) == 0 ? random.Next(0x10000) : random.Next(0x20, 0x7f)))),
        };
        for (var changes = random.Next(3); changes > 0 && text.Length > 0; changes--)
        {
            var at = random.Next(text.Length);
            text = random.Next(3) switch
            {
                0 => text.Remove(at, 1),
                1 => text.Insert(at, Pieces[random.Next(Pieces.Length)]),
                _ => text.Remove(at, 1).Insert(at, ((char)random.Next(0x20, 0x7f)).ToString()),
            };
        }

        return text;
    }
}
