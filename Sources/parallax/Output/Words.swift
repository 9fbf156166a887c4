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
