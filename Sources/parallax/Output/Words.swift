import ParallaxCore

extension Instant {
    /// `2024-01-01T12:00:00Z`, with a fraction where there is one.
    var text: String {
        var bytes: [UInt8] = []
        bytes.appendInstant(microseconds: rawValue)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// `3.1 MB`: with two digits that mean something, in powers of ten. What the configuration takes is `ByteCount`.
func byteCount(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["bytes", "kB", "MB", "GB"] {
        if value < 1_000 {
            return unit == "bytes" || value >= 10 ? "\(Int(value.rounded())) \(unit)" : "\((value * 10).rounded() / 10) \(unit)"
        }
        value /= 1_000
    }
    return "\((value * 10).rounded() / 10) TB"
}
