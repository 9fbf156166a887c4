import ParallaxCore

/// Gathers as many records as fill a row group, from as many reads of the log as that takes.
struct RowGroupReader {
    let log: any EventLog
    let partition: Partition
    let records: Int
    let bytes: Int

    /// The records from the range's lower bound on, none of them at or above its upper bound. `nextOffset` is above the lower
    /// bound: where the log has only holes, the batch is empty and passes over them.
    func next(_ range: Range<Offset>) throws(ParallaxError) -> RecordBatch {
        var gathered: [RecordBatch] = []
        var position = range.lowerBound
        var count = 0
        var used = 0
        while position < range.upperBound && count < records && used < bytes {
            let wanted = min(records - count, Int(clamping: range.upperBound - position))
            var batch: RecordBatch
            do {
                batch = try log.read(partition, from: position, maxRecords: wanted, maxBytes: bytes - used)
            } catch {
                // What is good before a damage is handed over first.
                guard error.code == .corrupt, count > 0 else { throw error }
                break
            }
            try check(batch, from: position)
            batch = batch.prefix(below: range.upperBound)
            position = batch.nextOffset
            count += batch.count
            used += batch.payloads.byteCount
            gathered.append(batch)
        }
        return RecordBatch(joining: gathered, partition: partition, nextOffset: position)
    }

    /// What everything after this rests upon: offsets that grow, from where they were asked for.
    private func check(_ batch: RecordBatch, from position: Offset) throws(ParallaxError) {
        var last = position.rawValue - 1
        for offset in batch.offsets {
            guard offset > last else {
                throw ParallaxError(
                    .corrupt, "the log of source \"\(log.source)\" gives offset \(offset) after \(last) in partition \(partition)")
            }
            last = offset
        }
        guard batch.nextOffset > position, batch.nextOffset.rawValue > last else {
            throw ParallaxError(
                .offsetGone, "the log of source \"\(log.source)\" ends at offset \(position) in partition \(partition)",
                detail: "It had said that there is more.")
        }
    }
}

extension RecordBatch {
    /// Without the records at or above `boundary`.
    func prefix(below boundary: Offset) -> RecordBatch {
        guard nextOffset > boundary else { return self }
        let kept = offsets.firstIndex { $0 >= boundary.rawValue } ?? count
        var batch = RecordBatch(partition: partition, nextOffset: boundary)
        batch.offsets = Array(offsets.prefix(kept))
        batch.appendedAt = Array(appendedAt.prefix(kept))
        batch.keys = keys.prefix(kept)
        batch.payloads = payloads.prefix(kept)
        batch.headers = headers?.prefix(kept)
        return batch
    }

    /// Consecutive batches as one.
    init(joining batches: [RecordBatch], partition: Partition, nextOffset: Offset) {
        if batches.count == 1 {
            self = batches[0]
            return
        }
        self.init(partition: partition, nextOffset: nextOffset)
        for batch in batches {
            offsets += batch.offsets
            appendedAt += batch.appendedAt
        }
        keys = ByteColumn(joining: batches.map(\.keys))
        payloads = ByteColumn(joining: batches.map(\.payloads))
        if batches.contains(where: { $0.headers != nil }) {
            headers = ByteColumn(joining: batches.map { $0.headers ?? .nulls($0.count) })
        }
    }
}

extension ByteColumn {
    /// So many nulls.
    static func nulls(_ count: Int) -> ByteColumn {
        ByteColumn(bytes: [], ends: [Int](repeating: 0, count: count), nulls: [UInt8](repeating: 1, count: count))
    }

    func prefix(_ count: Int) -> ByteColumn {
        guard count < self.count else { return self }
        let ends = Array(ends.prefix(count))
        return ByteColumn(bytes: Array(bytes.prefix(ends.last ?? 0)), ends: ends, nulls: Array(nulls.prefix(count)))
    }

    init(joining parts: [ByteColumn]) {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        var nulls: [UInt8] = []
        bytes.reserveCapacity(parts.reduce(Self.padding) { $0 + $1.byteCount })
        ends.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts {
            let start = bytes.count
            bytes += part.bytes[..<part.byteCount]
            if !part.nulls.isEmpty || !nulls.isEmpty {
                nulls += repeatElement(0, count: ends.count - nulls.count)
                nulls += part.nulls.isEmpty ? [UInt8](repeating: 0, count: part.count) : part.nulls
            }
            for end in part.ends { ends.append(start + end) }
        }
        self.init(bytes: bytes, ends: ends, nulls: nulls)
    }
}
