import ParallaxCore
import Testing

@testable import EmbeddedLog

@Suite struct HeaderFrameTests {
    /// Without headers the bytes are those that every earlier version wrote and reads: taken down before there were headers.
    @Test func framesWithoutHeadersAreAsTheyAlwaysWere() throws {
        let fixture = try LogFixture()
        try fixture.open().append(
            [NewRecord(key: Array("k".utf8), payload: Array("pay".utf8)), NewRecord(key: nil, payload: nil)], to: LogFixture.lane)
        let bytes = try fixture.bytes(of: fixture.segment(0))
        #expect(bytes.count == 56)
        #expect(String(decoding: bytes.prefix(4), as: UTF8.self) == "PLX1")
        // Lengths of the records, keys, payloads.
        #expect(Array(bytes[48...]) == [2, 4, 0, 0, 107, 112, 97, 121])
    }

    /// A frame with headers survives what other frames survive: a crash before its publication, a search for the next whole frame.
    @Test func framesWithHeadersAreRecovered() throws {
        let fixture = try LogFixture()
        let header = RecordHeader(name: [1], value: [2, 3])
        let record = NewRecord(key: nil, payload: [9], headers: [header])
        try fixture.open().append([record, NewRecord(key: nil, payload: nil)], to: LogFixture.lane)
        try fixture.appendAndDie([record])
        let log = try fixture.open()
        try log.append([record], to: LogFixture.lane)
        let bytes = try fixture.bytes(of: fixture.segment(0))
        #expect(String(decoding: bytes.prefix(4), as: UTF8.self) == "PLX2")
        let batch = try log.read(LogFixture.lane, from: Offset(1), maxRecords: 10, maxBytes: 100)
        let headers = try #require(batch.headers)
        #expect((0..<batch.count).map { headers.isNull($0) } == [true] + Array(repeating: false, count: batch.count - 1))
        #expect(batch.count >= 2 && RecordHeaders.decode(headers[batch.count - 1]) == [header])
    }

    /// A damaged header length is a damaged frame, not a wrong header.
    @Test func lengthsThatDoNotAddUpAreRefused() throws {
        let frame = EncodedFrame([NewRecord(key: nil, payload: [1], headers: [RecordHeader(name: [7], value: nil)])], rows: [0])
        var sealed = frame
        sealed.seal(base: 0, appendedAt: Instant(microseconds: 0), durableEnd: 0)
        var bytes = sealed.bytes
        #expect(bytes.count == 48 + 3 + 1 + 4)
        // The third length: four bytes of headers, and one.
        #expect(bytes[50] == 5)
        for wrong: UInt8 in [0, 4, 6, 0x85] {
            bytes[50] = wrong
            try bytes.withUnsafeBytes { raw in
                let read = try Frame(header: raw, expectedBase: 0, available: raw.count)
                var (keys, payloads, headers): ([Int32], [Int32], [Int32]) = ([], [], [])
                #expect(throws: Frame.Flaw.self) {
                    try read.readLengths(of: raw, keys: &keys, payloads: &payloads, headers: &headers)
                }
            }
        }
    }
}
