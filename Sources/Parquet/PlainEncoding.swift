import ParallaxCore

/// Parquet's PLAIN encoding (`Encodings.md`): values without the nulls, one after the other.
enum PlainEncoding {
    static func append(_ column: ParquetColumn, rows: Range<Int>, type: ParquetType, to output: inout [UInt8]) {
        let nulls = column.nulls
        switch column.values {
        case .bool(let values): bools(values, nulls, rows, to: &output)
        case .int64(let values) where type.physical == .int32:
            fixed(values, nulls, rows, to: &output) { value in
                guard let narrow = Int32(exactly: value) else { preconditionFailure("\(value) in an INT32 column") }
                return narrow.littleEndian
            }
        case .int64(let values): fixed(values, nulls, rows, to: &output) { $0.littleEndian }
        case .int128(let values): fixed(values, nulls, rows, to: &output) { $0.bigEndian }
        case .double(let values): fixed(values, nulls, rows, to: &output) { $0.bitPattern.littleEndian }
        case .bytes(let values): bytes(values, nulls, rows, length: type.fixedLength, to: &output)
        }
    }

    private static func fixed<T, U: FixedWidthInteger>(
        _ values: [T], _ nulls: [UInt8], _ rows: Range<Int>, to output: inout [UInt8], _ encode: (T) -> U
    ) {
        let width = MemoryLayout<U>.size
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: rows.count * width))
        let end = output.withUnsafeMutableBytes { bytes in
            var place = start
            for row in rows where nulls.isEmpty || nulls[row] == 0 {
                bytes.storeBytes(of: encode(values[row]), toByteOffset: place, as: U.self)
                place += width
            }
            return place
        }
        output.removeLast(output.count - end)
    }

    private static func bools(_ values: [UInt8], _ nulls: [UInt8], _ rows: Range<Int>, to output: inout [UInt8]) {
        var byte: UInt8 = 0
        var bits: UInt8 = 0
        for row in rows where nulls.isEmpty || nulls[row] == 0 {
            byte |= (values[row] & 1) << bits
            bits += 1
            if bits == 8 {
                output.append(byte)
                byte = 0
                bits = 0
            }
        }
        if bits > 0 { output.append(byte) }
    }

    /// With a length of 0, each value comes after its length in 4 bytes; otherwise all have that length.
    private static func bytes(_ values: ByteColumn, _ nulls: [UInt8], _ rows: Range<Int>, length: Int, to output: inout [UInt8]) {
        for row in rows where nulls.isEmpty || nulls[row] == 0 {
            let value = values.bytes[values.start(row)..<values.ends[row]]
            if length == 0 {
                output.appendLittleEndian(UInt32(value.count))
            } else {
                precondition(value.count == length, "\(value.count) bytes in a column of \(length)")
            }
            output.append(contentsOf: value)
        }
    }
}
