import ParallaxCore

extension EmbeddedLog {
    /// Distributes records over partitions and encodes them into frames, in the caller's thread.
    func encode(
        _ records: [NewRecord], to partition: Partition?, of count: Int
    ) throws(ParallaxError) -> [(partition: Partition, frames: [EncodedFrame])] {
        for (index, record) in records.enumerated() {
            let bytes = record.byteCount
            guard bytes <= limits.bytesPerRecord else {
                throw ParallaxError(
                    .limit,
                    "record \(index + 1) of \(records.count) for source \"\(source)\" has \(bytes) bytes: the log takes \(limits.bytesPerRecord) (limit `bytesPerRecord`)",
                    detail: "Nothing of this append was written.")
            }
        }
        if let partition {
            guard (0..<count).contains(Int(partition.rawValue)) else { throw paths.noPartition(partition, of: count) }
            return [(partition, frames(records, rows: Array(0..<Int32(records.count))))]
        }
        var rows = [[Int32]](repeating: [], count: count)
        for (index, record) in records.enumerated() {
            let chosen =
                if let key = record.key {
                    Int(KeyPartitioner.partition(forKey: key, partitions: count).rawValue)
                } else {
                    chooseUnkeyed(of: count)
                }
            rows[chosen].append(Int32(index))
        }
        return rows.indices.filter { !rows[$0].isEmpty }.map { (Partition($0), frames(records, rows: rows[$0])) }
    }

    private func frames(_ records: [NewRecord], rows: [Int32]) -> [EncodedFrame] {
        var frames: [EncodedFrame] = []
        var start = 0
        var bytes = 0
        for (index, row) in rows.enumerated() {
            let record = records[Int(row)]
            let size = record.byteCount
            // A large record never shares a frame, so that no frame is longer than the larger of the two limits.
            if index > start, bytes + size > limits.bytesPerBatchFrame || index - start == limits.recordsPerBatchFrame {
                frames.append(EncodedFrame(records, rows: rows[start..<index]))
                start = index
                bytes = 0
            }
            bytes += size
        }
        frames.append(EncodedFrame(records, rows: rows[start...]))
        return frames
    }
}
