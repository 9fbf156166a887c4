import Compression
import Glibc
import ParallaxCore

/// Events that came in one piece, as over HTTP: all of them are cut apart before any is appended.
public struct EventBody: Sendable {
    public enum Form: Sendable {
        /// An event a line.
        case lines
        /// An array of events, or one.
        case json
    }

    public var bytes: [UInt8]
    public var form: Form
    /// What the sender says; nil: nothing, and the first bytes tell.
    public var compression: DecompressingReader.Format?

    public init(_ bytes: [UInt8], _ form: Form, compression: DecompressingReader.Format? = nil) {
        self.bytes = bytes
        self.form = form
        self.compression = compression
    }

    public struct Limits: Sendable {
        /// Of the body, decompressed.
        public var bytes = 32 << 20
        /// An empty line is one, too.
        public var records = 100_000
        public var recordBytes = 16 << 20
        public init() {}
    }

    /// Payloads with their numbers, from 1 on: of a line, or of an element.
    struct Payloads {
        var column: ByteColumn
        var numbers: [Int]
    }

    static let stepBytes = 256 << 10

    /// Throws `.input` for what cannot be cut into events, `.limit` for what is too large, and whatever `reserve` does.
    ///
    /// - Parameter reserve: is asked before so many bytes more are held.
    func payloads(_ limits: Limits, reserve: (Int) throws(ParallaxError) -> Void) throws(ParallaxError) -> Payloads {
        let plain = try decompressed(limits, reserve: reserve)
        try reserve(plain.count)
        let result: Result<Payloads, ParallaxError> = plain.withUnsafeBytes { bytes in
            do throws(ParallaxError) {
                switch form {
                case .lines: return .success(try Self.lines(bytes, limits))
                case .json: return .success(try Self.elements(bytes, limits))
                }
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func decompressed(_ limits: Limits, reserve: (Int) throws(ParallaxError) -> Void) throws(ParallaxError) -> [UInt8] {
        let reader: DecompressingReader
        do throws(ParallaxError) { reader = try DecompressingReader(bytes: bytes, name: "the body") } catch { throw Self.damaged(error) }
        if let compression, compression != reader.format {
            throw ParallaxError(.input, "the body is not \(compression.rawValue), as its Content-Encoding says")
        }
        guard reader.format != .plain else {
            guard bytes.count <= limits.bytes else { throw Self.tooLarge(limits) }
            return bytes
        }
        var plain: [UInt8] = []
        var step = [UInt8](repeating: 0, count: Self.stepBytes)
        while true {
            let read: Result<Int, ParallaxError> = step.withUnsafeMutableBytes { buffer in
                do throws(ParallaxError) { return .success(try reader.read(into: buffer)) } catch { return .failure(Self.damaged(error)) }
            }
            let count = try read.get()
            if count == 0 { return plain }
            // A few bytes may become gigabytes: whoever sends them hears of it here.
            guard plain.count + count <= limits.bytes else { throw Self.tooLarge(limits) }
            try reserve(count)
            plain.append(contentsOf: step[..<count])
        }
    }

    private static func tooLarge(_ limits: Limits) -> ParallaxError {
        ParallaxError(
            .limit, "the body has more than \(counted(limits.bytes, "byte"))",
            detail: "Counted as decompressed; nothing of it was appended.",
            hint: "send it in several bodies; serve.max_body is the limit")
    }

    private static func damaged(_ error: ParallaxError) -> ParallaxError {
        ParallaxError(.input, "the body cannot be decompressed: it is damaged, or was cut", detail: error.detail)
    }

    /// As `LineReader` cuts them; an empty line is a payload without bytes, in its place.
    private static func lines(_ bytes: UnsafeRawBufferPointer, _ limits: Limits) throws(ParallaxError) -> Payloads {
        var places: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            let feed = rest.baseAddress.flatMap { base in memchr(base, 0x0A, rest.count).map { UnsafeRawPointer($0) - base } }
            let end = feed.map { start + $0 } ?? bytes.count
            guard places.count < limits.records else {
                throw ParallaxError(
                    .limit, "the body has more than \(counted(limits.records, "line"))", hint: "send them in several bodies")
            }
            places.append(start..<end)
            start = end + 1
        }
        return try packed(bytes, places, limits, "line")
    }

    private static func elements(_ bytes: UnsafeRawBufferPointer, _ limits: Limits) throws(ParallaxError) -> Payloads {
        try packed(bytes, try JSONElements.places(in: bytes, limit: limits.records), limits, "event")
    }

    private static func packed(
        _ bytes: UnsafeRawBufferPointer, _ places: [Range<Int>], _ limits: Limits, _ word: String
    ) throws(ParallaxError) -> Payloads {
        var (arena, ends): ([UInt8], [Int]) = ([], [])
        arena.reserveCapacity(places.reduce(ByteColumn.padding) { $0 + $1.count })
        ends.reserveCapacity(places.count)
        for (index, place) in places.enumerated() {
            guard place.count <= limits.recordBytes else {
                throw ParallaxError(
                    .limit, "\(word) \(index + 1) has \(counted(place.count, "byte")): a record has \(grouped(limits.recordBytes)) at most",
                    detail: "Nothing of the body was appended.", hint: "log.max_record_bytes is the limit")
            }
            arena.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[place]))
            ends.append(arena.count)
        }
        return Payloads(column: ByteColumn(bytes: arena, ends: ends), numbers: Array(1..<(places.count + 1)))
    }
}
