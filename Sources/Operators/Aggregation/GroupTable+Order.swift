extension GroupTable {
    /// Groups in the order of their keys: column by column, nulls last, text byte by byte.
    func order(_ columns: [GroupKeyColumn]) -> [Int32] {
        var order = Array(0..<Int32(count))
        guard width > 0 else { return order }
        var sortable = keys
        var offset = 0
        for column in columns {
            column.makeSortable(&sortable, offset: offset, stride: width, rows: count)
            offset += column.width
        }
        let width = width
        sortable.withUnsafeBufferPointer { words in
            order.sort { a, b in
                let (i, j) = (Int(a) &* width, Int(b) &* width)
                for word in 0..<width where words[i &+ word] != words[j &+ word] { return words[i &+ word] < words[j &+ word] }
                return false
            }
        }
        return order
    }
}
