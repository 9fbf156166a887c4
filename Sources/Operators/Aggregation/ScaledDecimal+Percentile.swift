import Columns

/// Numerics whose values have scales of their own, as percentiles take them. Of equal ones the shorter comes first, so that the result does not depend on
/// the order of rows.
extension ScaledDecimal: ExtremumValue, PercentileValue {
    static func < (a: ScaledDecimal, b: ScaledDecimal) -> Bool {
        let order = compare(a, b)
        return order < 0 || (order == 0 && a.scale < b.scale)
    }
    static func == (a: ScaledDecimal, b: ScaledDecimal) -> Bool { a.unscaled == b.unscaled && a.scale == b.scale }

    static var zero: ScaledDecimal { ScaledDecimal(numeric: 0, scale: 0) }

    static func read(_ values: Vector.Values) -> [ScaledDecimal] {
        guard case .text(let texts) = values else { return [] }
        return texts.bytes.withUnsafeBytes { bytes in
            texts.starts.indices.map { ScaledDecimal(UnsafeRawBufferPointer(rebasing: bytes[texts.starts[$0]..<texts.ends[$0]])) }
        }
    }

    static func storage(_ values: [ScaledDecimal]) -> Column.Storage {
        var texts = TextBuilder()
        for value in values { texts.append { value.append(to: &$0) } }
        return .text(texts.columnWithoutNulls())
    }

    func approximation(scale: Int) -> Double { unscaled.approximation(scale: self.scale) }
    func appendText(scale: Int, to buffer: inout [UInt8]) { append(to: &buffer) }
}
