/// Records as a producer would send them: events of a source in the disorder that real traffic has. Pure: the same seed, shape, start and rate
/// give the same bytes, however fast they are asked for.
public struct TrafficGenerator: Sendable {
    public struct Record: Sendable, Equatable {
        /// The event id's text; nil for malformed records.
        public var key: [UInt8]?
        public var payload: [UInt8]
        public var isMalformed = false
        public var isDuplicate = false
    }

    /// Records an append, and the largest step in which a paced generator catches up.
    public static let recordsPerAppend = 8_192
    /// How far back a duplicate's original can be, in records.
    static let duplicateReach = 1_000

    let shape: TrafficShape
    /// Microseconds since 1970: the event time of the first event.
    let start: Int64
    /// Events a second of event time.
    let rate: Int
    public private(set) var count = 0
    private var maker: EventMaker
    private var random: SeededRandom
    private var recent: [Record] = []

    public init(maker: EventMaker, seed: UInt64, shape: TrafficShape = TrafficShape(), startMicroseconds start: Int64, rate: Int) {
        precondition(rate > 0, "\(rate) events a second")
        self.maker = maker
        self.shape = shape
        self.start = start
        self.rate = rate
        random = SeededRandom(seed: seed)
    }

    /// When the next record is due, in microseconds since 1970.
    public var nextDue: Int64 { start + Int64(count) / Int64(rate) * 1_000_000 + Int64(count) % Int64(rate) * 1_000_000 / Int64(rate) }

    public mutating func next() -> Record {
        let due = nextDue
        defer { count += 1 }
        if !recent.isEmpty && random.happens(perMillion: shape.duplicate) {
            var copy = recent[random.below(recent.count)]
            copy.isDuplicate = true
            return copy
        }
        let malformation =
            random.happens(perMillion: shape.malformed) ? Malformation.allCases[random.below(Malformation.allCases.count)] : nil
        var record = maker.record(eventTime: due - shape.delay(&random), malformation: malformation, &random)
        if malformation == .truncated { record.payload.removeLast(min(record.payload.count - 1, random.within(2..<24))) }
        // Malformed records are not repeated: their share stays what it says.
        if !record.isMalformed {
            if recent.count < Self.duplicateReach {
                recent.append(record)
            } else {
                recent[count % Self.duplicateReach] = record
            }
        }
        return record
    }
}

/// One kind of event.
public enum EventMaker: Sendable {
    case pageViews(PageViewMaker)
    case nexmark(NexmarkMaker)
    case declared(DeclaredEventMaker)

    mutating func record(eventTime: Int64, malformation: Malformation?, _ random: inout SeededRandom) -> TrafficGenerator.Record {
        switch self {
        case .pageViews(let maker): return maker.record(eventTime: eventTime, malformation: malformation, &random)
        case .nexmark(var maker):
            let record = maker.record(eventTime: eventTime, malformation: malformation, &random)
            self = .nexmark(maker)
            return record
        case .declared(let maker): return maker.record(eventTime: eventTime, malformation: malformation, &random)
        }
    }
}
