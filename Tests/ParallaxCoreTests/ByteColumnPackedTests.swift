import ParallaxCore
import Testing

@Suite struct ByteColumnPackedTests {
    /// Values appended in one piece, in every grouping, are those appended one by one.
    @Test(arguments: [1, 2, 3, 5, 8])
    func packedAppendsEqualSingleOnes(_ size: Int) {
        let values: [[UInt8]?] = [[1, 2], [], [3], nil, [], [4, 5, 6], nil, [7]]
        var single = ByteColumn()
        for value in values { if let value { single.append(value) } else { single.appendNull() } }
        var packed = ByteColumn()
        for start in stride(from: 0, to: values.count, by: size) {
            let part = values[start..<min(start + size, values.count)]
            let lengths = part.map { $0.map { Int32($0.count) } ?? -1 }
            part.flatMap { $0 ?? [] }.withUnsafeBytes { packed.append(packed: $0, lengths: lengths[...]) }
        }
        #expect(packed.ends == single.ends)
        #expect(packed.nulls == single.nulls)
        #expect(packed.bytes == single.bytes)
    }
}
