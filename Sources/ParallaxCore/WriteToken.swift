/// Where the records of a write end in its log: what an append is answered with, and what `after=` and `parallax wait` wait for.
///
///     what a token is of is visible in a snapshot  ⟺  the snapshot's answers hold every record of its partitions below its ends
///
/// It is no secret, and nobody signs it: whoever makes one up waits for what they made up, for as long as a wait may last. It says nothing that its holder did not
/// write.
public struct WriteToken: Hashable, Sendable {
    public var source: String
    public var log: LogIdentity
    /// In the log's own offsets: the first behind what was written.
    public var ends: [Partition: Offset]

    /// Partitions of one token. A log of ours has fewer; a text that claims more is none.
    public static let maxPartitions = 4_096
    /// A longer text is none, and is not looked at. It also fits into the head of a request.
    public static let maxTextBytes = 24 << 10
    /// The number is the form's: what is changed gets another.
    static let prefix = "w1_"

    public init(source: String, log: LogIdentity, ends: [Partition: Offset]) {
        self.source = source
        self.log = log
        self.ends = ends
    }

    /// Of letters, digits, `-` and `_`.
    public var text: String {
        var output = Output()
        output.bytes.append(log.kind.numberInTokens)
        output.put(source)
        output.put(log.topic)
        output.put(log.number ?? "")
        let ends = ends.sorted { $0.key < $1.key }
        output.put(UInt64(ends.count))
        var last: Int64 = -1
        for (partition, end) in ends {
            output.put(UInt64(Int64(partition.rawValue) - last))
            output.put(UInt64(end.rawValue))
            last = Int64(partition.rawValue)
        }
        let sum = Self.checksum(output.bytes[...])
        return Self.prefix + Base64URL.text(output.bytes + sum)
    }

    /// Nil for what is no whole token: cut short, mistyped, or made by nobody.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maxTextBytes, text.hasPrefix(Self.prefix),
            let bytes = Base64URL.bytes(text.dropFirst(Self.prefix.count)),
            bytes.count > Self.checksumBytes
        else { return nil }
        let content = bytes.dropLast(Self.checksumBytes)
        guard Array(bytes.suffix(Self.checksumBytes)) == Self.checksum(content) else { return nil }
        var input = Input(bytes: content)
        guard let kindNumber = input.byte(), let kind = LogIdentity.Kind.allCases.first(where: { $0.numberInTokens == kindNumber }),
            let source = input.text(), let topic = input.text(),
            let number = input.text(), let count = input.number(), count > 0, count <= UInt64(Self.maxPartitions)
        else { return nil }
        var ends: [Partition: Offset] = [:]
        var last: Int64 = -1
        for _ in 0..<count {
            guard let step = input.number(), step > 0, step <= UInt64(Int32.max), let end = input.number(), end > 0,
                end <= UInt64(Int64.max)
            else { return nil }
            last += Int64(step)
            guard last <= Int64(Int32.max) else { return nil }
            ends[Partition(rawValue: Int32(last))] = Offset(Int64(end))
        }
        guard input.bytes.isEmpty, !source.isEmpty else { return nil }
        self.init(
            source: source, log: LogIdentity(kind: kind, topic: topic, number: number.isEmpty ? nil : number), ends: ends)
    }

    private static let checksumBytes = 4
    /// Tells a text that was cut or mistyped; no more is asked of it.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var hash = FNV1a()
        for byte in bytes { hash.add(byte) }
        let folded = UInt32(truncatingIfNeeded: hash.value ^ hash.value >> 32)
        return (0..<Self.checksumBytes).map { UInt8(truncatingIfNeeded: folded >> UInt32(8 * $0)) }
    }

    private struct Output {
        var bytes: [UInt8] = []

        mutating func put(_ number: UInt64) {
            var rest = number
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }

        mutating func put(_ text: String) {
            put(UInt64(text.utf8.count))
            bytes += text.utf8
        }
    }

    private struct Input {
        var bytes: ArraySlice<UInt8>

        mutating func byte() -> UInt8? { bytes.popFirst() }

        mutating func number() -> UInt64? {
            var (value, shift) = (UInt64(0), UInt64(0))
            while let byte = bytes.popFirst() {
                let part = UInt64(byte & 0x7F)
                guard shift < 63 || (shift == 63 && part <= 1) else { return nil }
                value |= part << shift
                if byte & 0x80 == 0 { return value }
                shift += 7
            }
            return nil
        }

        mutating func text() -> String? {
            guard let count = number(), count <= UInt64(bytes.count) else { return nil }
            let text = String(validating: bytes.prefix(Int(count)), as: UTF8.self)
            bytes = bytes.dropFirst(Int(count))
            return text
        }
    }
}

extension LogIdentity.Kind {
    /// Never another one: tokens outlive a version.
    fileprivate var numberInTokens: UInt8 {
        switch self {
        case .embedded: 0
        case .kafka: 1
        case .memory: 2
        }
    }
}
