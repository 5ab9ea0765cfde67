using Xunit.Abstractions;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>The name of a case as a test's argument: shown whole, where a string would be cut after fifty characters.</summary>
public sealed class CaseName : IXunitSerializable
{
    /// <summary>For the runner, which fills it in.</summary>
    public CaseName()
    {
    }

    /// <summary>Wraps a name.</summary>
    /// <param name="name">The name.</param>
    public CaseName(string name) => Name = name;

    /// <summary>The name.</summary>
    public string Name { get; private set; } = "";

    /// <inheritdoc/>
    public void Deserialize(IXunitSerializationInfo info) => Name = info.GetValue<string>(nameof(Name));

    /// <inheritdoc/>
    public void Serialize(IXunitSerializationInfo info) => info.AddValue(nameof(Name), Name);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
