import Catalog
import ParallaxCore

/// What the API has others do with runs. Each call may block but `progress`; it gets a thread of its own.
public struct RunServices: Sendable {
    public struct Decided: Sendable {
        public var source: String
        /// What is no failure, and what people may wonder about.
        public var notes: [String]
        public init(source: String, notes: [String]) {
            self.source = source
            self.notes = notes
        }
    }

    /// Begins a run of a source and returns its number; it goes on by itself. Throws `.busy` where another one holds the source, or is held.
    public var start: @Sendable (_ source: String, _ full: Bool) throws -> Int64
    public var publish: @Sendable (_ run: Int64, _ caller: Caller) throws -> Decided
    public var discard: @Sendable (_ run: Int64, _ caller: Caller) throws -> Decided
    public var revert: @Sendable (_ run: Int64, _ caller: Caller) throws -> Decided
    /// Of a run of this process; nil: of another one, or long ago. Does not block.
    public var progress: @Sendable (_ run: Int64) -> RunReportedProgress?

    public init(
        start: @escaping @Sendable (String, Bool) throws -> Int64, publish: @escaping @Sendable (Int64, Caller) throws -> Decided,
        discard: @escaping @Sendable (Int64, Caller) throws -> Decided, revert: @escaping @Sendable (Int64, Caller) throws -> Decided,
        progress: @escaping @Sendable (Int64) -> RunReportedProgress?
    ) {
        self.start = start
        self.publish = publish
        self.discard = discard
        self.revert = revert
        self.progress = progress
    }
}

extension RunServices {
    /// For the list of routes alone.
    static var nobody: RunServices {
        @Sendable func refuse() throws -> Never { throw ParallaxError(.unavailable, "no server") }
        return RunServices(
            start: { _, _ in try refuse() }, publish: { _, _ in try refuse() }, discard: { _, _ in try refuse() },
            revert: { _, _ in try refuse() }, progress: { _ in nil })
    }
}

/// How far a run is, by its own word.
public struct RunReportedProgress: Sendable, Hashable {
    public struct Phase: Sendable, Hashable {
        public var name: String
        /// Records, in phases that count them; else 0.
        public var records: Int
        /// Nil where nobody knows it yet.
        public var totalRecords: Int?
        public init(name: String, records: Int = 0, totalRecords: Int? = nil) {
            self.name = name
            self.records = records
            self.totalRecords = totalRecords
        }
    }

    /// Those that it has been in, and last the one that it is in.
    public var phases: [Phase]
    public init(phases: [Phase] = []) { self.phases = phases }
}
