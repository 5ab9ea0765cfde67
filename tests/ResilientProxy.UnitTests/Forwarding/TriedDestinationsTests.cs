using ResilientProxy.Forwarding;

namespace ResilientProxy.UnitTests.Forwarding;

public class TriedDestinationsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(1000)]
    public void What_was_tried_is_remembered_and_nothing_else(int index)
    {
        var tried = default(TriedDestinations);
        Assert.True(tried.IsEmpty);

        tried.Add(index);

        Assert.False(tried.IsEmpty);
        Assert.Equal([index], Enumerable.Range(0, 1100).Where(tried.Contains));
    }
}
