import ParallaxCore

/// A column of a row: its place, from 0, or its name.
public protocol RowColumn: Sendable {
    /// Nil where the row has no such column.
    func place(in row: QueryResult.Row) -> Int?
    /// As errors call it.
    func words(in row: QueryResult.Row) -> String
}

extension Int: RowColumn {
    public func place(in row: QueryResult.Row) -> Int? { row.values.indices.contains(self) ? self : nil }

    /// Many columns are expressions, which PostgreSQL calls `?column?`: the place helps then.
    public func words(in row: QueryResult.Row) -> String {
        row.columns.indices.contains(self) ? "column \(self + 1) (\"\(row.columns[self])\")" : "column \(self + 1)"
    }
}

extension String: RowColumn {
    public func place(in row: QueryResult.Row) -> Int? { row.columns.firstIndex(of: self) }
    public func words(in row: QueryResult.Row) -> String { "column \"\(self)\"" }
}

/// What a row holds. A null that should not be there, or a text of another type, is an error that names the column and the value, and never a 0
/// in its place: an offset that is read as 0 would be a lie. Where null means something, the name begins with `optional`.
extension QueryResult.Row {
    public func text(_ column: some RowColumn) throws(ParallaxError) -> String { try required(column, "a text", optionalText(column)) }
    public func int(_ column: some RowColumn) throws(ParallaxError) -> Int64 { try required(column, "a whole number", optionalInt(column)) }
    public func bool(_ column: some RowColumn) throws(ParallaxError) -> Bool { try required(column, "true or false", optionalBool(column)) }
    public func double(_ column: some RowColumn) throws(ParallaxError) -> Double {
        try required(column, "a number", optionalDouble(column))
    }

    public func optionalText(_ column: some RowColumn) throws(ParallaxError) -> String? {
        guard let place = column.place(in: self) else {
            let names = columns.map { "\"\($0)\"" }.joined(separator: ", ")
            throw Self.mistake(
                "PostgreSQL's answer has no \(column.words(in: self))", detail: "it has \(counted(values.count, "column")): \(names)")
        }
        return values[place]
    }

    public func optionalInt(_ column: some RowColumn) throws(ParallaxError) -> Int64? {
        try read(column, "a whole number") { Int64($0) }
    }

    public func optionalBool(_ column: some RowColumn) throws(ParallaxError) -> Bool? {
        try read(column, "true or false") { $0 == "t" ? true : $0 == "f" ? false : nil }
    }

    public func optionalDouble(_ column: some RowColumn) throws(ParallaxError) -> Double? { try read(column, "a number") { Double($0) } }
}

/// Numbers that mean something.
extension QueryResult.Row {
    public func partition(_ column: some RowColumn) throws(ParallaxError) -> Partition {
        try required(column, "a partition", read(column, "a partition") { Int32($0).map { Partition(rawValue: $0) } })
    }

    public func offset(_ column: some RowColumn) throws(ParallaxError) -> Offset { Offset(try int(column)) }
    public func slice(_ column: some RowColumn) throws(ParallaxError) -> SliceNumber { SliceNumber(try int(column)) }
    public func run(_ column: some RowColumn) throws(ParallaxError) -> RunNumber { RunNumber(try int(column)) }
    /// The column holds microseconds (`InstantSQL.microseconds`).
    public func instant(_ column: some RowColumn) throws(ParallaxError) -> Instant { Instant(microseconds: try int(column)) }

    public func optionalRun(_ column: some RowColumn) throws(ParallaxError) -> RunNumber? { try optionalInt(column).map { RunNumber($0) } }
    public func optionalInstant(_ column: some RowColumn) throws(ParallaxError) -> Instant? {
        try optionalInt(column).map { Instant(microseconds: $0) }
    }
}

extension QueryResult.Row {
    private func required<Value>(
        _ column: some RowColumn, _ kind: String, _ value: Value?
    ) throws(ParallaxError) -> Value {
        guard let value else { throw Self.mistake("\(column.words(in: self)) of PostgreSQL's answer is null, and should be \(kind)") }
        return value
    }

    private func read<Value>(
        _ column: some RowColumn, _ kind: String, _ value: (String) -> Value?
    ) throws(ParallaxError) -> Value? {
        guard let text = try optionalText(column) else { return nil }
        if let value = value(text) { return value }
        let shown = text.count > Self.shownCharacters ? text.prefix(Self.shownCharacters) + "..." : text[...]
        throw Self.mistake("\(column.words(in: self)) of PostgreSQL's answer holds \"\(shown)\", and should be \(kind)")
    }

    /// How much of a value an error shows.
    private static let shownCharacters = 80

    private static func mistake(_ message: String, detail: String? = nil) -> ParallaxError {
        ParallaxError(
            .internalInconsistency, message, detail: detail,
            hint: "somebody changed the control tables by hand, or this is a mistake of parallax: please report it")
    }
}

extension QueryResult {
    /// One column, of all rows.
    public func texts(_ column: some RowColumn) throws(ParallaxError) -> [String] {
        try rows.map { row throws(ParallaxError) in try row.text(column) }
    }

    public func ints(_ column: some RowColumn) throws(ParallaxError) -> [Int64] {
        try rows.map { row throws(ParallaxError) in try row.int(column) }
    }
}
