/// Characters in valid UTF-8: code points, as PostgreSQL counts them in a database of that encoding.
enum UTF8Text {
    typealias Bytes = UnsafeRawBufferPointer

    /// Bytes of the character that begins with this byte.
    @inline(__always)
    static func width(_ lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4 }

    @inline(__always)
    static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xc0 == 0x80 }

    static func count(_ text: Bytes) -> Int {
        var count = 0
        for byte in text where !isContinuation(byte) { count += 1 }
        return count
    }

    /// Where the character number `index` (from 0) begins; the end for one past the last, and beyond.
    static func offset(_ index: Int, in text: Bytes, from start: Int = 0) -> Int {
        var at = start
        var left = index
        while left > 0, at < text.count {
            at += width(text[at])
            left -= 1
        }
        return min(at, text.count)
    }

    /// The first occurrence at or after `start`. An empty one is found at once.
    static func find(_ needle: Bytes, in text: Bytes, from start: Int = 0) -> Int? {
        guard !needle.isEmpty else { return start }
        guard needle.count <= text.count - start else { return nil }
        let first = needle[0]
        for at in start...(text.count - needle.count)
        where text[at] == first && compareBytes(text, at, needle, 0, needle.count) == 0 { return at }
        return nil
    }

    static func part(_ text: Bytes, _ range: Range<Int>) -> Bytes { Bytes(rebasing: text[range]) }
}
