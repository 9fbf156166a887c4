#if canImport(Glibc)
    import Glibc
#endif

/// memcmp's answer for two ranges of `count` bytes.
@inline(__always)
func compareBytes(_ a: UnsafeRawBufferPointer, _ startA: Int, _ b: UnsafeRawBufferPointer, _ startB: Int, _ count: Int) -> Int {
    guard count > 0, let baseA = a.baseAddress, let baseB = b.baseAddress else { return 0 }
    return Int(memcmp(baseA + startA, baseB + startB, count))
}

/// Bytewise order, as collation "C": negative where `a` comes first.
@inline(__always)
func compareText(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
    let order = compareBytes(a, 0, b, 0, min(a.count, b.count))
    return order != 0 ? order : a.count - b.count
}
