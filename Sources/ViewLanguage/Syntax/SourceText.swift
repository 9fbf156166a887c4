/// A file's bytes and where its lines begin. Places inside the compiler are byte offsets; people get lines and characters.
struct SourceText: Sendable {
    let path: String
    let bytes: [UInt8]
    /// Bytes of the file before `bytes`: a byte order mark is no part of the text, and editors do not count it.
    let bytesBefore: Int
    private let lineStarts: [Int]

    init(_ file: SQLFile) {
        path = file.path
        var bytes = Array(file.text.utf8)
        bytesBefore = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        bytes.removeFirst(bytesBefore)
        self.bytes = bytes
        var starts = [0]
        for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") { starts.append(offset + 1) }
        lineStarts = starts
    }

    /// Line and column from 1, and the line itself, of a byte offset (clamped to the text).
    func place(of offset: Int) -> (line: Int, column: Int, text: String) {
        let offset = min(max(0, offset), bytes.count)
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        let start = lineStarts[low]
        var end = low + 1 < lineStarts.count ? lineStarts[low + 1] - 1 : bytes.count
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        // Continuation bytes do not start a character.
        let column = bytes[start..<max(start, min(offset, end))].count { $0 & 0xC0 != 0x80 } + 1
        return (low + 1, column, String(decoding: bytes[start..<end], as: UTF8.self))
    }

    func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// The byte offset of the `position`th character (from 1) counted from byte `start`: how PostgreSQL's parser says places.
    func offset(ofCharacter position: Int, from start: Int) -> Int {
        var offset = start
        var seen = 0
        while offset < bytes.count {
            if bytes[offset] & 0xC0 != 0x80 {
                seen += 1
                if seen == position { return offset }
            }
            offset += 1
        }
        return bytes.count
    }
}
