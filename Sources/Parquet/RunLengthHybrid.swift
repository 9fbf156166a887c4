/// Parquet's hybrid of runs and bit-packed groups (`Encodings.md`, "Run Length Encoding / Bit-Packing Hybrid"):
/// definition levels (width 1) and dictionary codes.
enum RunLengthHybrid {
    /// Appends `values`, each below 2^`width`; `width` from 1 to 32.
    static func encode(_ values: UnsafeBufferPointer<UInt32>, width: Int, to output: inout [UInt8]) {
        // values[literals..<index] wait to be bit-packed, in groups of eight.
        var literals = 0
        var index = 0
        while index < values.count {
            let value = values[index]
            var runEnd = index + 1
            while runEnd < values.count && values[runEnd] == value { runEnd += 1 }
            // A run first fills up the last group of eight.
            let fill = (8 - (index - literals) % 8) % 8
            if runEnd - index - fill >= 8 {
                if index + fill > literals { pack(values, literals..<index + fill, width: width, to: &output) }
                run(value, count: runEnd - index - fill, width: width, to: &output)
                literals = runEnd
            }
            index = runEnd
        }
        if literals < values.count { pack(values, literals..<values.count, width: width, to: &output) }
    }

    static func run(_ value: UInt32, count: Int, width: Int, to output: inout [UInt8]) {
        output.appendVarint(UInt64(count) << 1)
        for byte in 0..<(width + 7) / 8 { output.append(UInt8(truncatingIfNeeded: value >> (8 * UInt32(byte)))) }
    }

    /// Only the last range may not be a multiple of eight: it is filled up with zeros.
    private static func pack(_ values: UnsafeBufferPointer<UInt32>, _ range: Range<Int>, width: Int, to output: inout [UInt8]) {
        let groups = (range.count + 7) / 8
        output.appendVarint(UInt64(groups) << 1 | 1)
        var buffer: UInt64 = 0
        var bits = 0
        for index in range {
            buffer |= UInt64(values[index]) << UInt64(bits)
            bits += width
            while bits >= 8 {
                output.append(UInt8(truncatingIfNeeded: buffer))
                buffer >>= 8
                bits -= 8
            }
        }
        let length = groups * width
        let written = (range.count * width) / 8
        for _ in written..<length {
            output.append(UInt8(truncatingIfNeeded: buffer))
            buffer >>= 8
        }
    }

    /// Fills `output` with the first `output.count` values. Returns the bytes used, or nil where the bytes end early or make no sense.
    /// The rest of a last group is ignored; so are bytes after it.
    static func decode(_ bytes: UnsafeRawBufferPointer, width: Int, into output: UnsafeMutableBufferPointer<UInt32>) -> Int? {
        precondition((0...32).contains(width), "a width of \(width) bits")
        var index = 0
        var filled = 0
        let mask: UInt64 = (1 << UInt64(width)) - 1
        while filled < output.count {
            guard let header = varint(bytes, &index) else { return nil }
            let wanted = output.count - filled
            if header & 1 == 0 {
                let length = (width + 7) / 8
                guard header > 1, bytes.count - index >= length else { return nil }
                var value: UInt64 = 0
                for byte in 0..<length { value |= UInt64(bytes[index + byte]) << UInt64(8 * byte) }
                guard value <= mask else { return nil }
                index += length
                let count = Int(min(header >> 1, UInt64(wanted)))
                output[filled..<filled + count].update(repeating: UInt32(value))
                filled += count
            } else {
                let groups = header >> 1
                // The last group may be cut short where the values end, as some writers do.
                let count = groups > UInt64(wanted) ? wanted : min(Int(groups) * 8, wanted)
                let needed = (count * width + 7) / 8
                guard groups > 0, bytes.count - index >= needed else { return nil }
                unpack(
                    bytes, from: index, width: width, mask: mask,
                    into: UnsafeMutableBufferPointer(rebasing: output[filled..<filled + count]))
                filled += count
                let whole = groups.multipliedReportingOverflow(by: UInt64(width))
                index = whole.overflow || whole.partialValue > UInt64(bytes.count - index) ? bytes.count : index + Int(whole.partialValue)
            }
        }
        return index
    }

    private static func unpack(
        _ bytes: UnsafeRawBufferPointer, from start: Int, width: Int, mask: UInt64, into output: UnsafeMutableBufferPointer<UInt32>
    ) {
        var buffer: UInt64 = 0
        var bits = 0
        var index = start
        for row in 0..<output.count {
            while bits < width {
                buffer |= UInt64(bytes[index]) << UInt64(bits)
                index += 1
                bits += 8
            }
            output[row] = UInt32(truncatingIfNeeded: buffer & mask)
            buffer >>= UInt64(width)
            bits -= width
        }
    }

    private static func varint(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count && shift < 64 {
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
