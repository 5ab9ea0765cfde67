using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;

namespace ResilientProxy.Configuration;

/// <summary>The policy in force for a route, and what was written of it.</summary>
/// <param name="Options">The policy with every default filled in.</param>
/// <param name="Written">What was written, each value with its origin; null where nothing was.</param>
internal sealed record ResolvedPolicy(RouteOptions Options, ConfigObject? Written);

/// <summary>Inheritance: built-in defaults, then the named policy, then the route's own object, key by key.</summary>
internal sealed class PolicyLayers
{
    private const string Standard = "standard";
    private const string None = "none";
    private const string PolicyKey = nameof(RouteOptions.Policy);

    private readonly Dictionary<string, ConfigObject> _policies = new(StringComparer.OrdinalIgnoreCase);
    // Routes that say nothing but their policy's name have the same options; the key "" is for no name at all.
    private readonly Dictionary<string, RouteOptions> _shared = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConfigBinder _binder;
    private readonly Findings _findings;

    /// <summary>Reads the policies.</summary>
    /// <param name="policies">The <c>Resilience.Policies</c> object; null where there is none.</param>
    /// <param name="binder">Makes records of trees.</param>
    /// <param name="findings">Takes what is wrong.</param>
    public PolicyLayers(ConfigObject? policies, ConfigBinder binder, Findings findings)
    {
        _binder = binder;
        _findings = findings;
        foreach (var (name, node) in policies?.Members ?? new Dictionary<string, ConfigNode>())
        {
            if (IsBuiltIn(name))
            {
                findings.Error(node, $"\"{name}\" is built in and cannot be changed; take another name");
            }
            else if (node is ConfigObject policy)
            {
                _policies.Add(name, policy);
                if (policy[PolicyKey] is { } nested)
                {
                    findings.Error(nested, "a policy takes its defaults from \"standard\" and names no other; write the values here");
                }
            }
        }
    }

    // Plain YARP with an idle timer only. Written as a layer of the tree, so that a route may switch parts of it on again.
    private static ConfigObject NoneLayer()
    {
        var origin = new ConfigOrigin(OriginKind.BuiltIn, None, 0);
        var layer = new ConfigObject(ConfigPath.Root, origin);
        var timeouts = new ConfigObject(ConfigPath.Root.Child("Timeouts"), origin);
        foreach (var timer in (string[])["Total", "Attempt"])
        {
            timeouts.TryAdd(timer, new ConfigScalar(timeouts.Place.Child(timer), origin, ScalarKind.String, "off"));
        }

        layer.TryAdd("Timeouts", timeouts);
        foreach (var key in ModelShape.Of(typeof(RouteOptions)).Keys.Where(key => key.TakesOff))
        {
            layer.TryAdd(key.Name, new ConfigScalar(ConfigPath.Root.Child(key.Name), origin, ScalarKind.String, "off"));
        }

        return layer;
    }

    /// <summary>The policy in force under a route's own object.</summary>
    /// <param name="own">The route's <c>Resilience</c>; null where it has none.</param>
    public ResolvedPolicy Resolve(ConfigNode? own)
    {
        if (own is ConfigScalar { ScalarKind: ScalarKind.Null })
        {
            own = null;
        }

        if (own is not (null or ConfigObject))
        {
            return new(_binder.Bind<RouteOptions>(own), null); // no object: the binder says so
        }

        var below = own?.Find(PolicyKey) is ConfigScalar { ScalarKind: ScalarKind.String } name ? LayerOf(name) : null;
        var written = (own, below) switch
        {
            (null, null) => null,
            (null, _) => below,
            (_, null) => (ConfigObject)own,
            _ => (ConfigObject)TreeMerge.Over(below, own),
        };
        var shared = own is null or ConfigObject { Members.Count: 0 } ? ""
            : own is ConfigObject { Members.Count: 1 } && own.Find(PolicyKey) is ConfigScalar { ScalarKind: ScalarKind.String } only ? only.Text
            : null;
        return new(shared is null ? Bind() : _shared.TryGetValue(shared, out var known) ? known : _shared[shared] = Bind(), written);

        RouteOptions Bind() => written is null ? new() : _binder.Bind<RouteOptions>(written);
    }

    /// <summary>Warns of every policy that no route names.</summary>
    public void WarnOfUnused()
    {
        foreach (var (name, policy) in _policies.Where(policy => !_used.Contains(policy.Key)))
        {
            _findings.Warning(policy, $"no route names the policy \"{name}\"; set a route's Resilience.Policy to it, or remove it");
        }
    }

    private static bool IsBuiltIn(string name) =>
        name.Equals(Standard, StringComparison.OrdinalIgnoreCase) || name.Equals(None, StringComparison.OrdinalIgnoreCase);

    private ConfigObject? LayerOf(ConfigScalar name)
    {
        if (_policies.TryGetValue(name.Text, out var policy))
        {
            _used.Add(name.Text);
            return policy;
        }

        if (IsBuiltIn(name.Text))
        {
            return name.Text.Equals(None, StringComparison.OrdinalIgnoreCase) ? NoneLayer() : null;
        }

        _findings.Error(name, $"there is no policy \"{name.Text}\"{NearestName.Hint(name.Text, _policies.Keys.Append(Standard).Append(None))}");
        return null;
    }
}
