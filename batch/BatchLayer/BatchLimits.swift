/// What a run may use.
public struct BatchLimits: Sendable, Hashable {
    /// `batch.memory_bytes`: identities and group states together. Half of what a small server has; twenty-five million events and
    /// as many states fit.
    public var memoryBytes: Int

    public static let defaultMemoryBytes = 4 << 30

    public init(memoryBytes: Int = defaultMemoryBytes) { self.memoryBytes = memoryBytes }
}
