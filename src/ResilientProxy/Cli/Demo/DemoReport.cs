using System.Globalization;
using System.Text;
using ResilientProxy.Hosting;

namespace ResilientProxy.Cli.Demo;

/// <summary>What happened, as a table: what the upstreams did, what callers saw, what it cost.</summary>
internal sealed class DemoReport(ProxyApp app, IReadOnlyList<DemoUpstream> upstreams)
{
    private readonly List<(TimeSpan At, string Words, Dictionary<string, CallerView> Views, Cost Before)> _phases = [];

    /// <summary>A part begins.</summary>
    /// <param name="at">Since the start.</param>
    /// <param name="words">What the upstreams do.</param>
    /// <returns>What its callers see, by route.</returns>
    public IReadOnlyDictionary<string, CallerView> Begin(TimeSpan at, string words)
    {
        var views = DemoLoad.Routes.ToDictionary(static route => route.Route, static _ => new CallerView());
        _phases.Add((at, words, views, CostNow()));
        return views;
    }

    /// <summary>The table of what there was so far.</summary>
    public string Write()
    {
        var text = new StringBuilder();
        var invariant = CultureInfo.InvariantCulture;
        text.AppendLine("What happened: success and 99th percentile as callers saw them; what the same trouble costs without help is under plain.").AppendLine();
        text.AppendLine("  at    the upstreams                   orders (helped)        plain (policy none)    catalog (fallback)     retries  hedges  rescued");
        for (var i = 0; i < _phases.Count; i++)
        {
            var (at, words, views, before) = _phases[i];
            var cost = (i + 1 < _phases.Count ? _phases[i + 1].Before : CostNow()) - before;
            text.AppendLine(invariant, $"  {at:m\\:ss}  {words,-30}  {Seen(views["orders"]),-21}  {Seen(views["plain"]),-21}  {Seen(views["catalog"]),-21}  {cost.Retries,7}  {cost.Hedges,6}  {cost.Rescued,7}");
        }

        text.AppendLine();
        foreach (var (route, _) in DemoLoad.Routes)
        {
            var all = _phases.Select(phase => phase.Views[route].Read()).Where(static view => view.Share is not null).ToArray();
            var requests = all.Sum(static view => view.Requests);
            var well = all.Sum(static view => (view.Share ?? 0) * view.Requests);
            text.AppendLine(invariant, $"  {route,-8} {requests} requests, {(requests == 0 ? 0 : 100 * well / requests):0.00} % answered well");
        }

        var total = CostNow();
        var sent = _phases.Sum(phase => phase.Views.Values.Sum(static view => view.Read().Requests));
        text.AppendLine(invariant, $"""

              What it cost: {total.Retries} retries and {total.Hedges} hedges; the upstreams got {total.Delivered} requests for the callers' {sent}, {(sent == 0 ? 1 : (double)total.Delivered / sent):0.00} times as many.
              What it saved: {total.Rescued} requests were rescued, {total.Fallbacks} of them by the fallback. Circuit breakers opened {total.Opened} times.

            """);
        return text.ToString();
    }

    private static string Seen(CallerView view) => view.Read() switch
    {
        (_, null, _, _) => "-",
        var (_, share, _, p99) => string.Create(CultureInfo.InvariantCulture, $"{100 * share.Value,6:0.0} %  {p99,7:0} ms"),
    };

    private Cost CostNow()
    {
        var routes = DemoLoad.Routes.Select(route => app.Metrics.ForRoute(route.Route, DemoConfig.ClusterOf(route.Route))).ToArray();
        return new(
            routes.Sum(static route => route.RetriesByReason.Values.Sum()),
            routes.Sum(static route => route.HedgesByOutcome.Values.Sum()),
            routes.Sum(static route => route.RescuedBy.Values.Sum()),
            routes.Sum(static route => route.RescuedBy.GetValueOrDefault("fallback")),
            upstreams.Sum(upstream => app.Metrics.ForDestination(DemoConfig.ClusterOfUpstream(upstream.Name), upstream.Name).CircuitTransitionsByState.GetValueOrDefault("open")),
            upstreams.Sum(static upstream => upstream.Requests));
    }

    private sealed record Cost(long Retries, long Hedges, long Rescued, long Fallbacks, long Opened, long Delivered)
    {
        public static Cost operator -(Cost now, Cost then) => new(
            now.Retries - then.Retries, now.Hedges - then.Hedges, now.Rescued - then.Rescued,
            now.Fallbacks - then.Fallbacks, now.Opened - then.Opened, now.Delivered - then.Delivered);
    }
}
