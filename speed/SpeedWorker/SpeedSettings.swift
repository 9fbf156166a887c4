import Catalog
import ParallaxCore
import SpeedLayer

public struct SpeedSettings: Hashable, Sendable {
    public var rules = SpeedRules()
    /// Limits of the tables that views join, the same as the batch layer's.
    public var dimensionLimits = DimensionLimits()
    /// Where this worker runs (host and folder), for people who look for whoever found a log first.
    public var place = "a speed worker"
    /// How long the partitions of a worker that hangs stay its own. (Those of a worker whose session is gone are free at once.)
    public var lease: Duration = .seconds(15)
    /// Between two looks at a log that had nothing new.
    public var pollInterval: Duration = .milliseconds(10)
    /// Between two looks for new sources and free partitions.
    public var discoveryInterval: Duration = .seconds(1)
    /// Before the first attempt after a failure; doubles up to the maximum with each further one.
    public var minimumBackoff: Duration = .milliseconds(100)
    public var maximumBackoff: Duration = .seconds(5)
    /// The same where PostgreSQL refuses a source's rows: each attempt reads the duplicate horizon again. Changed definitions are tried at once.
    public var maximumRefusalWait: Duration = .seconds(20)
    /// `runUntilCaughtUp` throws after failing for this long without a flush in between. `run` goes on for ever.
    public var giveUpAfter: Duration = .seconds(60)
    /// Attempts in a row that may find the definitions changed (or a deadlock) before it counts as refused.
    public var maximumConflicts = 20
    public init() {}

    var backoff: Backoff { Backoff(from: minimumBackoff, upTo: maximumBackoff) }
}
