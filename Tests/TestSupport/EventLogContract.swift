import ParallaxCore

/// What every `EventLog` keeps, as one case a promise. Run them all on the double and on the real thing:
///
///     @Test(arguments: EventLogContract.allCases)
///     func keepsTheContract(_ promise: EventLogContract) throws {
///         try promise.check { partitions in try EmbeddedLog(…, partitions: partitions) }
///     }
public enum EventLogContract: String, CaseIterable, Sendable {
    case newLogIsEmpty
    case partitionsAreNumberedFromZero
    case appendedRecordsComeBackUnchanged
    case headersComeBackUnchanged
    case offsetsContinueFromAppendToAppend
    case emptyAppendAddsNothing
    case sameKeyStaysInItsPartition
    case recordsWithoutKeysGoToAllPartitions
    case everyOffsetCanBeReadFrom
    case readStopsAtMaxRecords
    case readStopsAtMaxBytesAfterTheFirst
    case readAtTheEndIsEmpty
    case readBelowTheEarliestOrAboveTheEndIsGone
    case unknownPartitionIsMissing
    case trimNeverTakesRecordsAtOrAboveTheCut

    public struct Violation: Error, CustomStringConvertible {
        public let description: String
    }

    /// `make` gives a new, empty log with that many partitions.
    public func check(_ make: (_ partitions: Int) throws -> any EventLog) throws {
        switch self {
        case .newLogIsEmpty:
            let log = try make(2)
            for partition in try log.partitions() { try expect(log.bounds(of: partition), Offset.zero..<Offset.zero) }
        case .partitionsAreNumberedFromZero:
            try expect(make(3).partitions(), [Partition(0), Partition(1), Partition(2)])
        case .appendedRecordsComeBackUnchanged:
            try appendedRecordsComeBackUnchanged(make(1))
        case .headersComeBackUnchanged: try headersComeBackUnchanged(make(1))
        case .offsetsContinueFromAppendToAppend:
            let log = try make(2)
            for start in stride(from: 0, to: 20, by: 4) {
                let ranges = try log.append(Self.records(4), to: Partition(1))
                try expect(ranges, [Partition(1): Offset(Int64(start))..<Offset(Int64(start + 4))])
            }
            try expect(log.bounds(of: Partition(0)), Offset.zero..<Offset.zero)
            try expect(log.bounds(of: Partition(1)), Offset.zero..<Offset(20))
        case .emptyAppendAddsNothing:
            let log = try make(1)
            try expect(log.append([], to: nil), [:])
            try expect(log.bounds(of: Partition(0)), Offset.zero..<Offset.zero)
        case .sameKeyStaysInItsPartition: try sameKeyStaysInItsPartition(make(4))
        case .recordsWithoutKeysGoToAllPartitions:
            let ranges = try make(4).append(Self.records(40, keyed: false), to: nil)
            try expect(ranges.count, 4)
            try expect(ranges.values.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }, 40)
        case .everyOffsetCanBeReadFrom:
            let log = try make(1)
            for size in [1, 7, 2, 10] { try log.append(Self.records(size), to: nil) }
            for from in (0..<20).reversed() {
                let batch = try log.read(Partition(0), from: Offset(Int64(from)), maxRecords: 100, maxBytes: 1 << 20)
                try expect(batch.offsets, (from..<20).map(Int64.init))
            }
        case .readStopsAtMaxRecords:
            let log = try make(1)
            try log.append(Self.records(10), to: nil)
            var seen: [Int64] = []
            var from = Offset.zero
            for expected in [3, 3, 3, 1] {
                let batch = try log.read(Partition(0), from: from, maxRecords: 3, maxBytes: 1 << 20)
                try expect(batch.count, expected)
                seen += batch.offsets
                from = batch.nextOffset
            }
            try expect(seen, (0..<10).map(Int64.init))
        case .readStopsAtMaxBytesAfterTheFirst:
            let log = try make(1)
            try log.append([10, 10, 10, 50, 10].map { NewRecord(key: nil, payload: [UInt8](repeating: 7, count: $0)) }, to: nil)
            let first = try log.read(Partition(0), from: .zero, maxRecords: 100, maxBytes: 25)
            try expect(first.offsets, [0, 1])
            let large = try log.read(Partition(0), from: Offset(3), maxRecords: 100, maxBytes: 25)
            try expect(large.offsets, [3])
            try expect(large.nextOffset, Offset(4))
        case .readAtTheEndIsEmpty:
            let log = try make(1)
            for end in [0, 5] {
                let batch = try log.read(Partition(0), from: Offset(Int64(end)), maxRecords: 10, maxBytes: 100)
                try expect(batch.count, 0)
                try expect(batch.nextOffset, Offset(Int64(end)))
                try log.append(Self.records(5), to: nil)
            }
        case .readBelowTheEarliestOrAboveTheEndIsGone:
            let log = try make(1)
            try log.append(Self.records(5), to: nil)
            try refuses(.offsetGone) { try log.read(Partition(0), from: Offset(6), maxRecords: 1, maxBytes: 1) }
            try refuses(.offsetGone) { try log.read(Partition(0), from: Offset(-1), maxRecords: 1, maxBytes: 1) }
        case .unknownPartitionIsMissing:
            let log = try make(2)
            for partition in [Partition(2), Partition(-1)] {
                try refuses(.missing) { try log.bounds(of: partition) }
                try refuses(.missing) { try log.read(partition, from: .zero, maxRecords: 1, maxBytes: 1) }
                try refuses(.missing) { try log.append(Self.records(1), to: partition) }
            }
        case .trimNeverTakesRecordsAtOrAboveTheCut: try trimNeverTakesRecordsAtOrAboveTheCut(make(2))
        }
    }

    private func appendedRecordsComeBackUnchanged(_ log: any EventLog) throws {
        let values: [[UInt8]?] = [
            nil, [], [0], Array("{\"a\":1}".utf8), [0xFF, 0xFE], [UInt8](repeating: 1, count: 127), [UInt8](repeating: 2, count: 128),
            [UInt8](repeating: 3, count: 70_000),
        ]
        let records = values.flatMap { key in values.map { NewRecord(key: key, payload: $0) } }
        try expect(log.append(records, to: Partition(0)), [Partition(0): Offset.zero..<Offset(Int64(records.count))])
        let batch = try log.read(Partition(0), from: .zero, maxRecords: 1_000, maxBytes: 1 << 24)
        try expect(batch.count, records.count)
        for (row, record) in records.enumerated() {
            try expect(batch.keys.isNull(row) ? nil : Array(batch.keys[row]), record.key)
            try expect(batch.payloads.isNull(row) ? nil : Array(batch.payloads[row]), record.payload)
        }
        try expect(batch.offsets, records.indices.map(Int64.init))
    }

    /// Among records without any, in the same append and in others, from every offset on and in batches of every size.
    private func headersComeBackUnchanged(_ log: any EventLog) throws {
        let lists: [[RecordHeader]] = [
            [], [RecordHeader(name: Array("trace".utf8), value: [0, 1, 255])], [],
            [
                RecordHeader(name: Array("a".utf8), value: nil), RecordHeader(name: Array("a".utf8), value: []),
                RecordHeader(name: [], value: [7]),
            ],
            [RecordHeader(name: Array("long".utf8), value: [UInt8](repeating: 9, count: 40_000))], [],
        ]
        let records = (lists + [[], []] + lists).enumerated().map { number, headers in
            NewRecord(key: number % 2 == 0 ? nil : [UInt8(number)], payload: [1, 2], headers: headers)
        }
        // Two appends without any between those with some.
        for part in [records[0..<6], records[6..<7], records[7..<8], records[8...]] { try log.append(Array(part), to: Partition(0)) }
        for from in records.indices {
            for size in [1, 3, 100] {
                let batch = try log.read(Partition(0), from: Offset(Int64(from)), maxRecords: size, maxBytes: 1 << 24)
                try expect(batch.count > 0, true)
                for row in 0..<batch.count {
                    let wanted = records[Int(batch.offsets[row])]
                    let found = batch.headers.flatMap { $0.isNull(row) ? nil : RecordHeaders.decode($0[row]) }
                    try expect(found ?? [], wanted.headers)
                    try expect(batch.keys.isNull(row) ? nil : Array(batch.keys[row]), wanted.key)
                    try expect(Array(batch.payloads[row]), [1, 2])
                }
                try expect(batch.headers.map(\.count) ?? batch.count, batch.count)
            }
        }
    }

    private func sameKeyStaysInItsPartition(_ log: any EventLog) throws {
        for _ in 0..<3 { try log.append(Self.records(100), to: nil) }
        var placeOfKey: [String: Partition] = [:]
        for partition in try log.partitions() {
            let batch = try log.read(partition, from: .zero, maxRecords: 1_000, maxBytes: 1 << 20)
            for row in 0..<batch.count {
                let key = batch.keys.string(row)
                try expect(placeOfKey[key, default: partition], partition)
                placeOfKey[key] = partition
            }
        }
        try expect(placeOfKey.count, 100)
        try expect(Set(placeOfKey.values).count, 4)
    }

    private func trimNeverTakesRecordsAtOrAboveTheCut(_ log: any EventLog) throws {
        for _ in 0..<10 { try log.append(Self.records(10), to: Partition(0)) }
        try log.append(Self.records(10), to: Partition(1))
        var earliest = Offset.zero
        for cut in [0, 5, 50, 30, 99] {
            try log.trim(below: Cut([Partition(0): Offset(Int64(cut))]))
            let bounds = try log.bounds(of: Partition(0))
            guard bounds.lowerBound >= earliest, bounds.lowerBound <= max(earliest, Offset(Int64(cut))) else {
                throw Violation(description: "after a trim below \(cut) the log begins at \(bounds.lowerBound), before it at \(earliest)")
            }
            earliest = bounds.lowerBound
            let batch = try log.read(Partition(0), from: earliest, maxRecords: 1_000, maxBytes: 1 << 20)
            try expect(batch.offsets, (earliest.rawValue..<100).map { $0 })
            if earliest > .zero {
                try refuses(.offsetGone) {
                    try log.read(Partition(0), from: Offset(earliest.rawValue - 1), maxRecords: 1, maxBytes: 1)
                }
            }
        }
        try expect(log.bounds(of: Partition(1)), Offset.zero..<Offset(10))
    }

    private static func records(_ count: Int, keyed: Bool = true) -> [NewRecord] {
        (0..<count).map { NewRecord(key: keyed ? Array("key \($0)".utf8) : nil, payload: Array("{\"n\":\($0)}".utf8)) }
    }

    private func expect<T: Equatable>(_ found: T, _ expected: T, line: Int = #line) throws {
        guard found == expected else {
            throw Violation(description: "\(rawValue), line \(line): found \(found), expected \(expected)")
        }
    }

    private func refuses<T>(_ code: ParallaxError.Code, line: Int = #line, _ body: () throws -> T) throws {
        do {
            let result = try body()
            throw Violation(description: "\(rawValue), line \(line): \(result) where \(code) should be thrown")
        } catch let error as ParallaxError where error.code == code {
            return
        }
    }
}
