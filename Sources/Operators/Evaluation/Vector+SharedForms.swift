import Columns
import ParallaxCore
import ViewLanguage

// What is kept as text is compared as text, so that equal values need one form.

extension Vector {
    /// In the form that equal values of the type share: for groups and DISTINCT. All elements of an array of numerics have the scale of
    /// their type already.
    var withSharedForms: Vector {
        switch type {
        case .decimal: withTrimmedDecimals
        case .interval: withJustifiedIntervals
        case .array(.float4), .array(.float8):
            // Zero is the one number with two forms.
            mappingElements(with: UInt8(ascii: "-")) { $0 == Self.negativeZero ? Array($0.dropFirst()) : $0 }
        default: self
        }
    }

    /// The same for arrays of two types, whose numerics may have two scales.
    var withComparableForms: Vector {
        switch type {
        case .array(.numeric), .array(.decimal):
            mappingElements(with: UInt8(ascii: ".")) { element in
                var trimmed: [UInt8] = []
                element.withUnsafeBytes { ScaledDecimal($0).trimmed.append(to: &trimmed) }
                return trimmed
            }
        default: withSharedForms
        }
    }

    private var withJustifiedIntervals: Vector {
        guard case .bits128(let bits) = values else { return self }
        var vector = self
        vector.values = .bits128(bits.map { CalendarInterval(justified: CalendarInterval(bits: $0).span).bits })
        return vector
    }

    private static let negativeZero = Array("-0".utf8)

    /// Elements without the byte stay as they are, and so does a text without it.
    private func mappingElements(with byte: UInt8, _ change: ([UInt8]) -> [UInt8]) -> Vector {
        guard case .text(let texts) = values else { return self }
        var result = TextValues(bytes: [], starts: [], ends: [])
        texts.bytes.withUnsafeBytes { bytes in
            for row in texts.starts.indices {
                result.starts.append(result.bytes.count)
                let text = UnsafeRawBufferPointer(rebasing: bytes[texts.starts[row]..<texts.ends[row]])
                if !isNull(row), text.contains(byte), let elements = ArrayText.elements(text) {
                    ArrayText.append(elements.map { $0.map { $0.contains(byte) ? change($0) : $0 } }, to: &result.bytes)
                } else {
                    result.bytes.append(contentsOf: text)
                }
                result.ends.append(result.bytes.count)
            }
        }
        var vector = self
        vector.values = .text(result)
        return vector
    }
}

extension ScalarType {
    var isArray: Bool { if case .array = self { true } else { false } }
}
