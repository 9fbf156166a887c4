import CKafka
import ParallaxCore

/// What one partition's reader has before it, and where it stands.
///
///     resting ─read─► fetching ─read elsewhere, error─► resting
///                     fetching ─nobody reads, too much waits─► parked ─read to its end─► fetching
///
/// A class, since the shared queue brings records of all partitions and each goes straight into its own place. Used under the reader's lock.
final class PartitionInbox {
    enum State {
        case resting
        case fetching
        /// Its records wait here, nothing more is fetched.
        case parked
    }

    let partition: Partition
    var state = State.resting
    /// The first offset that was not handed out.
    var position = Offset.zero
    /// What came from `position` on.
    var stash = RecordStash(from: .zero)
    /// The fetch met it behind everything in the stash; nothing that came later was kept.
    var error: KafkaError?
    /// Where the last fetch met the end.
    var end: Offset?
    /// A read has waited in vain; nothing has come since.
    var isSilent = false
    /// The last batch handed out, if it was small.
    private var last: RecordBatch?
    private var lastFrom = Offset.zero

    init(_ partition: Partition) { self.partition = partition }

    /// The first offset that was not looked at.
    var next: Offset { Offset(stash.next) }
    /// Records or holes that were not handed out.
    var hasSomething: Bool { stash.next > position.rawValue }

    func receive(_ messages: UnsafeMutableBufferPointer<MessageArray.Message>, withHeaders: Bool) {
        guard state == .fetching else { return }
        isSilent = false
        var messages = messages[...]
        while error == nil {
            messages = messages.dropFirst(stash.append(messages, withHeaders: withHeaders))
            guard let notice = messages.popFirst() else { return }
            if notice.pointee.err == RD_KAFKA_RESP_ERR__PARTITION_EOF {
                // Beyond the last record where control records or aborted ones stand at the end.
                stash.pass(notice.pointee.offset)
                end = Offset(notice.pointee.offset)
            } else {
                error = KafkaError(notice.pointee.err)
            }
        }
    }

    func reset(at offset: Offset) {
        state = .resting
        position = offset
        stash = RecordStash(from: offset)
        error = nil
        end = nil
        isSilent = false
        last = nil
    }

    func handOut(maxRecords: Int, maxBytes: Int, keepingUpTo kept: Int) -> RecordBatch {
        let batch = stash.take(partition, maxRecords: maxRecords, maxBytes: maxBytes)
        lastFrom = position
        position = batch.nextOffset
        last = batch.count <= kept ? batch : nil
        return batch
    }

    func mayReread(from offset: Offset) -> Bool { last != nil && offset >= lastFrom && offset < position }

    /// The records of the last batch from `offset` on, if it began there or before.
    func rereading(from offset: Offset, maxRecords: Int, maxBytes: Int) -> RecordBatch? {
        guard let last, mayReread(from: offset) else { return nil }
        return last.part(from: offset, maxRecords: maxRecords, maxBytes: maxBytes)
    }
}

extension RecordBatch {
    /// The records at or above `offset`, up to the limits.
    func part(from offset: Offset, maxRecords: Int, maxBytes: Int) -> RecordBatch {
        let first = offsets.firstIndex { $0 >= offset.rawValue } ?? count
        var part = RecordBatch(partition: partition, nextOffset: offset)
        var bytes = 0
        var row = first
        while row < count && part.count < maxRecords {
            let payload = payloads.isNull(row) ? nil : payloads[row]
            bytes += payload?.count ?? 0
            if part.count > 0 && bytes > maxBytes { break }
            part.append(
                offset: Offset(offsets[row]), appendedAt: Instant(microseconds: appendedAt[row]), key: keys.isNull(row) ? nil : keys[row],
                payload: payload, headers: headers.flatMap { $0.isNull(row) ? nil : $0[row] })
            row += 1
        }
        if row == count { part.nextOffset = nextOffset }
        return part
    }
}
