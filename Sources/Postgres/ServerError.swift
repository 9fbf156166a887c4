import CPostgres
import ParallaxCore

/// PostgreSQL's words as a `ParallaxError`.
///
///     SQLSTATE                            code           retry
///     none, connection gone               unavailable    yes
///     08xxx connection                    unavailable    yes
///     53xxx resources (disk, sessions)    unavailable    yes
///     57Pxx shutdown, starting up         unavailable    yes
///     40001, 40P01                        database       yes
///     anything else                       database       no
func classify(sqlState: String?, connectionLost: Bool) -> (code: ParallaxError.Code, isRetriable: Bool) {
    if connectionLost { return (.unavailable, true) }
    guard let sqlState else { return (.database, false) }
    if sqlState.hasPrefix("08") || sqlState.hasPrefix("53") || sqlState.hasPrefix("57P") { return (.unavailable, true) }
    return (.database, sqlState == SQLState.serializationFailure || sqlState == SQLState.deadlockDetected)
}

/// What the server says beside results.
public struct Notice: Sendable, Hashable {
    /// `NOTICE`, `WARNING`, … never translated.
    public var severity: String
    public var message: String
    public var detail: String?
    public var hint: String?
    public var sqlState: String?

    /// libpq clears the result itself.
    init(borrowing result: OpaquePointer?) {
        func field(_ code: UInt8) -> String? { PQresultErrorField(result, Int32(code)).map { String(cString: $0) } }
        severity = field(UInt8(ascii: "V")) ?? "NOTICE"
        message = field(UInt8(ascii: "M")) ?? ""
        detail = field(UInt8(ascii: "D"))
        hint = field(UInt8(ascii: "H"))
        sqlState = field(UInt8(ascii: "C"))
    }
}

extension OwnedResult {
    // The PG_DIAG_… macros of postgres_ext.h are character constants; Swift sees the letters.
    var sqlState: String? { field("C") }

    /// `sql`: the statement, to show the place of the error in it. `connectionLost`: what libpq says of the connection now.
    func error(sql: String?, connectionLost: Bool, connectionMessage: String) -> ParallaxError {
        let state = sqlState
        let (code, isRetriable) = classify(sqlState: state, connectionLost: connectionLost)
        guard let primary = field("M") else {
            // No server spoke: these are libpq's own words.
            let words = connectionMessage.trimmingNewlines
            return ParallaxError(
                code, connectionLost ? "lost the connection to PostgreSQL" : "libpq refused the statement",
                detail: words.isEmpty ? nil : words, isRetriable: isRetriable, sqlState: state)
        }
        var details: [String] = []
        if let detail = field("D") { details.append(detail) }
        if let sql, let position = field("P").flatMap({ Int($0) }), let place = place(in: sql, character: position) {
            details.append(place)
        }
        if let context = field("W") { details.append("CONTEXT:  \(context)") }
        var error = ParallaxError(
            code, primary, detail: details.isEmpty ? nil : details.joined(separator: "\n"), hint: field("H"),
            isRetriable: isRetriable, sqlState: state)
        error.position = field("P").flatMap { Int($0) }
        return error
    }
}

/// `line:column`, the line, and a caret under the place. `character` counts from 1, in characters (code points), as PostgreSQL does.
func place(in sql: String, character: Int) -> String? {
    let scalars = Array(sql.unicodeScalars)
    guard character >= 1, character <= scalars.count + 1 else { return nil }
    let index = character - 1
    let start = (scalars[..<index].lastIndex(of: "\n") ?? -1) + 1
    let end = scalars[index...].firstIndex(of: "\n") ?? scalars.count
    let line = scalars[..<start].count { $0 == "\n" } + 1
    // One long line (a generated statement) would bury the caret: show what is around it.
    let around = 60
    let first = max(start, index - around)
    let last = min(end, index + around)
    func text(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[range].map { $0 == "\t" || $0 == "\r" ? " " : $0 })
        return String(view)
    }
    let lead = first > start ? "..." : ""
    let shown = lead + text(first..<last) + (last < end ? "..." : "")
    let caret = String(repeating: " ", count: lead.count + index - first) + "^"
    return "at \(line):\(index - start + 1)\n\(shown)\n\(caret)"
}

extension String {
    var trimmingNewlines: String {
        var text = self[...]
        while let last = text.last, last.isNewline { text.removeLast() }
        return String(text)
    }
}
