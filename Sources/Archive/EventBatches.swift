import Columns
import Operators
import ParallaxCore
import Parquet

/// The events of a segment, one batch a row group. One owner.
public final class EventBatches {
    private let file: SegmentFile
    private let schema: ArchiveSchema
    private let columns: Set<Int>
    /// Given where the segment's own columns do not answer for today's definition.
    private let decoder: ((RecordBatch) -> EventBatch)?
    private let eventTimes: Range<Int64>?
    /// What `next` gave last.
    private var group: SegmentFile.Group?
    /// Row groups that were not read, since they hold no event of the times that are asked for.
    public private(set) var groupsPassedOver = 0

    init(
        _ file: SegmentFile, schema: ArchiveSchema, columns: Set<Int>, eventTimes: Range<Int64>?, decoder: ((RecordBatch) -> EventBatch)?
    ) {
        self.eventTimes = eventTimes
        self.file = file
        self.schema = schema
        self.columns = columns
        self.decoder = decoder
    }

    /// Nil at the end. Throws `.corrupt` or `.disk`.
    public func next() throws(ParallaxError) -> EventBatch? {
        group = nil
        // What a segment of another schema says of its columns is not about today's event time.
        if let eventTimes, decoder == nil {
            groupsPassedOver += file.passOverGroups {
                file.mayHold(ArchiveSchema.place(of: schema.source.eventTimeColumn), group: $0, eventTimes)
            }
        }
        guard let group = try file.nextGroup() else { return nil }
        self.group = group
        guard let decoder else { return try stored(group) }
        var batch = decoder(try file.records(group))
        for index in batch.columns.indices where !columns.contains(index) { batch.columns[index] = nil }
        return batch
    }

    /// The records of the batch that `next` gave last, byte for byte as the log had them.
    public func records() throws(ParallaxError) -> RecordBatch {
        guard let group else { preconditionFailure("records of a batch that was not read") }
        return try file.records(group)
    }

    private func stored(_ group: SegmentFile.Group) throws(ParallaxError) -> EventBatch {
        // Identities need their two columns, also where nobody else does.
        let eventID = try column(schema.source.eventIDColumn, group)
        let eventTime = try column(schema.source.eventTimeColumn, group)
        var found: [Column?] = []
        for index in schema.source.columns.indices {
            if !columns.contains(index) {
                found.append(nil)
            } else if index == schema.source.eventIDColumn {
                found.append(eventID)
            } else if index == schema.source.eventTimeColumn {
                found.append(eventTime)
            } else {
                found.append(try column(index, group))
            }
        }
        let (isRejected, rejections) = try self.rejections(group)
        return EventBatch(
            partition: file.segment.partition, offsets: group.offsets, appendedAt: group.appendedAt, columns: found,
            identities: eventIdentities(eventID: eventID, eventTime: eventTime), isRejected: isRejected, rejections: rejections)
    }

    private func column(_ index: Int, _ group: SegmentFile.Group) throws(ParallaxError) -> Column {
        let declared = schema.source.columns[index]
        let place = ArchiveSchema.place(of: index)
        guard place < file.file.schema.count, file.file.schema[place].name == declared.name,
            file.file.schema[place].type == ArchiveSchema.type(declared.type)
        else { throw file.damaged("Its column \(place) is not \"\(declared.name)\", which its manifest line promises.") }
        let read = try file.file.read(group: group.index, column: place)
        let storage: Column.Storage
        switch (read.values, declared.type) {
        case (.int64(let values), _): storage = .int64(values)
        case (.int128(let values), _): storage = .int128(values)
        case (.double(let values), _): storage = .float64(values)
        case (.bool(let values), _): storage = .bool(values)
        case (.bytes(let values), .uuid):
            guard let numbers = UUIDText.values(values, nulls: read.nulls) else {
                throw file.damaged("Column \"\(declared.name)\" holds something that is not a uuid.")
            }
            storage = .bits128(numbers)
        case (.bytes(let values), .interval):
            guard let intervals = IntervalColumnText.values(values, nulls: read.nulls) else {
                throw file.damaged("Column \"\(declared.name)\" holds something that is not an interval.")
            }
            storage = .bits128(intervals)
        case (.bytes(let values), _): storage = .text(values)
        }
        return Column(type: declared.type, storage: storage, nulls: read.nulls).prefix(group.rowCount)
    }

    private func rejections(_ group: SegmentFile.Group) throws(ParallaxError) -> (isRejected: [UInt8], rejections: [Rejection]) {
        let column = try file.bytes(group, .rejected)
        var isRejected = [UInt8](repeating: 0, count: group.rowCount)
        var rejections: [Rejection] = []
        for row in 0..<group.rowCount where !column.isNull(row) {
            guard let reason = RejectionReason(rawValue: column.string(row)) else {
                throw file.damaged("Offset \(group.offsets[row]) was rejected for an unknown reason, \"\(column.string(row))\".")
            }
            isRejected[row] = 1
            rejections.append(Rejection(row: row, reason: reason, message: "rejected when it was archived"))
        }
        return (isRejected, rejections)
    }
}

extension Column {
    func prefix(_ count: Int) -> Column {
        guard count < self.count else { return self }
        let storage: Storage =
            switch storage {
            case .int64(let values): .int64(Array(values.prefix(count)))
            case .int128(let values): .int128(Array(values.prefix(count)))
            case .float64(let values): .float64(Array(values.prefix(count)))
            case .bool(let values): .bool(Array(values.prefix(count)))
            case .text(let values): .text(values.prefix(count))
            case .bits128(let values): .bits128(Array(values.prefix(count)))
            }
        return Column(type: type, storage: storage, nulls: Array(nulls.prefix(count)))
    }
}
