import ParallaxCore

/// Somebody outside who says which partitions of a source a worker should have: a consumer group.
///
/// It is a wish, never a right: who may write is decided by the leases in PostgreSQL, whatever is said here. Without one a worker takes every
/// partition that is free.
public protocol PartitionAssignment: AnyObject, Sendable {
    var wish: PartitionWish { get }
    /// What was asked for is done: see `PartitionWish.Demand`.
    func gaveUp()
    /// Informational: these positions are committed.
    func committed(_ positions: [Partition: Offset])
    /// The worker ends; it has given up everything.
    func leave()
}

public struct PartitionWish: Sendable, Hashable {
    public enum Demand: Sendable, Hashable {
        case nothing
        /// Write what is in memory, give everything back, then say `gaveUp`.
        case giveUp
        /// Somebody else has them already: forget what is in memory, then say `gaveUp`.
        case drop
    }
    public var partitions: Set<Partition>
    /// Grows with every assignment. A partition is taken from another worker once a generation at most: or else two workers that
    /// both believe in their assignment (one was stopped for a while) would take it from one another without end.
    public var generation: Int
    public var demand: Demand
    /// How often an assignment was lost without a word, for people.
    public var losses: Int
    /// Why there is no assignment, as far as it is known: nil where there is one, or where one may still come.
    public var trouble: ParallaxError?
    public init(partitions: Set<Partition>, generation: Int, demand: Demand, losses: Int = 0, trouble: ParallaxError? = nil) {
        self.partitions = partitions
        self.generation = generation
        self.demand = demand
        self.losses = losses
        self.trouble = trouble
    }
}
