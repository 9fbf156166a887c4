import CKafka
import Dispatch
import ParallaxCore
import Synchronization

/// Appends records to a topic with the idempotent producer: every record's fate is known when a call returns.
///
/// `append` blocks until the brokers have answered for all of its records, or their time (`message.timeout.ms`) is up. Calls of several threads are under way at
/// once: their records share batches on the wire, and all of them share what may be in flight.
final class KafkaProducer: Sendable {
    private let client: KafkaClient
    private let reports: Reports

    /// A record with its place chosen.
    struct Placed {
        var partition: Partition
        var record: NewRecord
    }

    /// What came of one call.
    struct Outcome: Sendable {
        /// Where the acknowledged records stand: first and one past the last offset, by partition.
        var ranges: [Partition: Range<Offset>] = [:]
        var delivered = 0
        var failed = 0
        /// Index of the first record that was not delivered, and why.
        var firstFailure: (index: Int, error: KafkaError)?
        /// Partitions that have a record of which no broker said where it stands: one that had it already, from before a retry, need not know any more.
        var unplaced: Set<Partition> = []
    }

    /// Delivery reports of the calls under way.
    fileprivate final class Reports: Sendable {
        let state = Mutex(State())

        struct State {
            var calls: [UInt32: Call] = [:]
            private var lastCall: UInt32 = 0
            /// Of all calls.
            var recordsOpen = 0
            var bytesOpen = 0

            mutating func begin() -> (number: UInt32, arrived: DispatchSemaphore) {
                repeat { lastCall &+= 1 } while calls[lastCall] != nil
                let arrived = DispatchSemaphore(value: 0)
                calls[lastCall] = Call(arrived: arrived)
                return (lastCall, arrived)
            }
        }

        struct Call {
            var outcome = Outcome()
            var recordsOpen = 0
            /// Rings when anything has been reported: it may be this call's, or make room for it.
            let arrived: DispatchSemaphore
        }

        func take(_ event: borrowing EventLoop.Event) {
            guard rd_kafka_event_type(event.pointer) == RD_KAFKA_EVENT_DR else { return }
            state.withLock { state in
                while let message = rd_kafka_event_message_next(event.pointer) { state.take(message.pointee) }
            }
            ring()
        }

        func ring() {
            for arrived in state.withLock({ $0.calls.values.map(\.arrived) }) { arrived.signal() }
        }
    }

    init(_ settings: KafkaSettings, listener: @escaping KafkaListener) throws(ParallaxError) {
        let reports = Reports()
        self.reports = reports
        client = try KafkaClient(settings, .producer, listener: listener) { event, _, _ in reports.take(event) }
    }

    var metrics: KafkaMetrics { client.metrics }
    /// True when only a new producer can go on.
    var isBroken: Bool { client.handle.fatalError != nil }
    var lastTrouble: String? { client.lastTrouble }

    /// Why a record was given up. One that was waiting when the client could not go on, or until its time was up, says only that: the reason is what the
    /// cluster said.
    func reason(of error: KafkaError) -> KafkaError {
        switch error.code {
        case RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
            let said = [client.handle.fatalError, client.lastError].compactMap(\.self)
            return said.first { $0.kind == .configuration } ?? (error.code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ? nil : said.first) ?? error
        default: return error
        }
    }

    func append(_ records: [Placed]) -> Outcome {
        let limits = client.settings.limits
        let (call, arrived) = reports.state.withLock { $0.begin() }
        var start = 0
        while start < records.count {
            guard let end = reports.state.withLock({ $0.takeRoom(for: records, from: start, call, limits) }) else {
                arrived.wait()
                continue
            }
            send(records, start..<end, call)
            start = end
        }
        while reports.state.withLock({ ($0.calls[call]?.recordsOpen ?? 0) > 0 }) { arrived.wait() }
        return reports.state.withLock { $0.calls.removeValue(forKey: call)?.outcome ?? Outcome() }
    }

    private func send(_ records: [Placed], _ range: Range<Int>, _ call: UInt32) {
        for index in range {
            let error = produce(records[index], call, index)
            guard error != .none else { continue }
            reports.state.withLock { $0.close(call, index: index, bytes: records[index].bytes, .failure(error)) }
            // Nobody reports what was never taken, and others may wait for its room.
            reports.ring()
        }
    }

    /// Hands a copy to the library. Its report carries the call's number and the record's index.
    private func produce(_ placed: Placed, _ call: UInt32, _ index: Int) -> KafkaError {
        let flags = RD_KAFKA_MSG_F_COPY
        return placed.record.key.withOptionalBytes { key, keyLength in
            placed.record.payload.withOptionalBytes { payload, length in
                var values = [
                    rd_kafka_vu_t(vtype: RD_KAFKA_VTYPE_RKT, u: .init(rkt: client.topic.pointer)),
                    rd_kafka_vu_t(vtype: RD_KAFKA_VTYPE_PARTITION, u: .init(i32: placed.partition.rawValue)),
                    rd_kafka_vu_t(vtype: RD_KAFKA_VTYPE_MSGFLAGS, u: .init(i: flags)),
                    rd_kafka_vu_t(vtype: RD_KAFKA_VTYPE_KEY, u: .init(mem: .init(ptr: key, size: keyLength))),
                    rd_kafka_vu_t(vtype: RD_KAFKA_VTYPE_VALUE, u: .init(mem: .init(ptr: payload, size: length))),
                    // One more than the index: null is no opaque value.
                    rd_kafka_vu_t(
                        vtype: RD_KAFKA_VTYPE_OPAQUE, u: .init(ptr: UnsafeMutableRawPointer(bitPattern: UInt(call) << 32 | UInt(index + 1)))
                    ),
                ]
                var headers: OpaquePointer?
                if !placed.record.headers.isEmpty {
                    headers = rd_kafka_headers_new(placed.record.headers.count)
                    for header in placed.record.headers { add(header, to: headers) }
                    values.append(rd_kafka_vu_t(vtype: RD_KAFKA_VTYPE_HEADERS, u: .init(headers: headers)))
                }
                let error = KafkaError.take(rd_kafka_produceva(client.handle.pointer, values, values.count))
                // The library takes the headers over only with the record.
                if error != .none, let headers { rd_kafka_headers_destroy(headers) }
                return error
            }
        }
    }

    private func add(_ header: RecordHeader, to list: OpaquePointer?) {
        header.name.withUnsafeBytes { name in
            header.value.withOptionalBytes { value, length in
                _ = rd_kafka_header_add(
                    list, name.baseAddress?.assumingMemoryBound(to: CChar.self), name.count, value, value == nil ? -1 : length)
            }
        }
    }

    /// Gives up what is not delivered (nothing, after `append` has returned).
    func close() { client.stop() }
}

extension KafkaProducer.Placed {
    /// Without the headers: a delivery report tells of key and payload.
    var bytes: Int { (record.key?.count ?? 0) + (record.payload?.count ?? 0) }
}

extension KafkaProducer.Reports.State {
    /// Where the next records of a call end that may be handed over now, which are then in flight; nil: there is no room.
    fileprivate mutating func takeRoom(
        for records: [KafkaProducer.Placed], from start: Int, _ call: UInt32, _ limits: KafkaLimits
    ) -> Int? {
        guard recordsOpen < limits.recordsInFlight && bytesOpen < limits.bytesInFlight else { return nil }
        var end = start
        while end < records.count && recordsOpen < limits.recordsInFlight && bytesOpen < limits.bytesInFlight {
            recordsOpen += 1
            bytesOpen += records[end].bytes
            end += 1
        }
        calls[call]?.recordsOpen += end - start
        return end
    }

    fileprivate mutating func take(_ message: rd_kafka_message_t) {
        let opaque = UInt(bitPattern: message._private)
        let (call, index) = (UInt32(truncatingIfNeeded: opaque >> 32), Int(opaque & 0xFFFF_FFFF) - 1)
        let bytes = message.len + message.key_len
        guard message.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
            return close(call, index: index, bytes: bytes, .failure(KafkaError(message.err)))
        }
        close(call, index: index, bytes: bytes, .success((Partition(rawValue: message.partition), Offset(message.offset))))
    }

    fileprivate mutating func close(_ call: UInt32, index: Int, bytes: Int, _ result: Result<(Partition, Offset), KafkaError>) {
        recordsOpen -= 1
        bytesOpen -= bytes
        calls[call]?.recordsOpen -= 1
        calls[call]?.outcome.take(index: index, result)
    }
}

extension KafkaProducer.Outcome {
    fileprivate mutating func take(index: Int, _ result: Result<(Partition, Offset), KafkaError>) {
        switch result {
        case .success(let (partition, offset)):
            delivered += 1
            guard offset >= .zero else {
                unplaced.insert(partition)
                return
            }
            let range = ranges[partition] ?? offset..<(offset + 1)
            ranges[partition] = min(range.lowerBound, offset)..<max(range.upperBound, offset + 1)
        case .failure(let error):
            failed += 1
            if firstFailure.map({ index < $0.index }) ?? true { firstFailure = (index, error) }
        }
    }
}

extension KafkaError: Error {}

extension [UInt8]? {
    /// Null and empty are two things: empty bytes have an address.
    fileprivate func withOptionalBytes<R>(_ body: (UnsafeMutableRawPointer?, Int) -> R) -> R {
        guard let self else { return body(nil, 0) }
        if self.isEmpty {
            var nothing: UInt8 = 0
            return withUnsafeMutableBytes(of: &nothing) { body($0.baseAddress, 0) }
        }
        return self.withUnsafeBytes { body(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count) }
    }
}
